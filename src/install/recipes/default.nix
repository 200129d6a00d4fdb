# nix-build default.nix
{ pkgs ? import <nixpkgs> { } }:

pkgs.stdenv.mkDerivation {
  pname = "portreuse";
  version = "@VERSION@";
  src = pkgs.fetchurl {
    url = "@URL@/portreuse-@VERSION@.tar.gz";
    sha256 = "@SHA256@";
  };
  nativeBuildInputs = [ pkgs.cmake ];
  meta = {
    description = "Explain why a TCP port cannot be bound";
    homepage = "@HOME@";
    platforms = pkgs.lib.platforms.linux;
    mainProgram = "portreuse";
  };
}
