# Homebrew, on Linux.
class Portreuse < Formula
  desc "Explain why a TCP port cannot be bound"
  homepage "@HOME@"
  url "@URL@/portreuse-@VERSION@.tar.gz"
  sha256 "@SHA256@"

  depends_on "cmake" => :build
  depends_on :linux

  def install
    system "cmake", "-S", ".", "-B", "build", *std_cmake_args
    system "cmake", "--build", "build"
    system "cmake", "--install", "build"
  end

  test do
    assert_match "portreuse #{version}", shell_output("#{bin}/portreuse version")
    assert_match "time-wait-rebind", shell_output("#{bin}/portreuse list")
  end
end
