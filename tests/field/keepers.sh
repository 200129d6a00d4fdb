#!/bin/sh
# Who started the server and would start it again; programs that only inherited the socket.
# shellcheck source=field/lib.sh
. "$(dirname "$0")/lib.sh"

row_leak_parent_dead() {
  py 's = server("127.0.0.1", 8080)
s.set_inheritable(True)
p = subprocess.Popen(["sleep", "1000"], close_fds=False)
open("child", "w").write(str(p.pid))
open("done", "w").close()
os._exit(0)'
  made
  child=$(cat child)
  # Two that nobody accepts.
  up sh -c 'exec 3<>/dev/null; '"$python"' -c "
import socket, time
c = [socket.create_connection((\"127.0.0.1\", 8080)) for i in range(2)]
time.sleep(1000)"'
  until_ok tcp 8080 01
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: sleep \\($child\\) .*inherited.*"
  cause leaked-listener
  owner sleep
  remedy "(sudo )?kill $child"
  says 'connections wait'
  others 127.0.0.1:8080
}

row_leak_shell() {
  py 's = server("127.0.0.1", 8080)
s.set_inheritable(True)
p = subprocess.Popen(["sh", "-c", "sleep 1000; true"], close_fds=False)
time.sleep(0.2)
open("done", "w").close()
os._exit(0)'
  made
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: (sh -c|sleep) \\([0-9]+\\) .*inherited.*"
  cause leaked-listener
  # Both have it: all of them, in one command.
  remedy '(sudo )?kill [0-9]+ [0-9]+'
}

row_leak_parent_alive() {
  py 's = server("127.0.0.1", 8080)
s.set_inheritable(True)
p = subprocess.Popen(["sleep", "1000"], close_fds=False)
open("child", "w").write(str(p.pid))
s.close()
done()'
  made
  child=$(cat child)
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: sleep \\($child\\) .*inherited.*"
  cause leaked-listener
  remedy "(sudo )?kill $child"
  no_remedy "kill .*\\b$pid\\b"
}

# The server itself listens and serves; its child has the socket, too.
row_server_with_heir() {
  py 's = server("127.0.0.1", 8080)
s.set_inheritable(True)
p = subprocess.Popen(["sleep", "1000"], close_fds=False)
open("child", "w").write(str(p.pid))
done()'
  made
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: python[0-9.]*( -c)? \\($pid\\) .*listens?.*"
  cause address-in-use
  says sleep
  remedy "(sudo )?kill $pid.*"
  remedy "(sudo )?kill .*$(cat child)"
}

# Workers in a group, their master is gone.
row_orphans() {
  py 's = server("127.0.0.1", 8080)
for i in range(3):
    if os.fork() == 0:
        time.sleep(1000)
open("done", "w").close()
os._exit(0)'
  made
  sleep 0.1
  ask 127.0.0.1:8080
  first 'EADDRINUSE .*: .*3 orphaned workers of .*listen.*'
  cause address-in-use
  remedy '(sudo )?kill [0-9]+ [0-9]+ [0-9]+'
}

row_stopped() {
  py 's = server("127.0.0.1", 8080)
done()'
  made
  kill -STOP "$pid"
  sleep 0.05
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: .*\\($pid, stopped\\) listens.*"
  remedy "(sudo )?kill -CONT $pid.*|(sudo )?kill -KILL $pid"
  no_remedy "kill $pid"
}

# supervise CONFIGURATION...: supervisord keeps a server on port 8080; its configuration has these lines too.
supervise() {
  {
    printf '%s\n' "[supervisord]" nodaemon=true "pidfile=$work/supervisord.pid" logfile=/dev/null \
      logfile_maxbytes=0 "[program:web]" "command=$python -m http.server --bind 127.0.0.1 8080"
    printf '%s\n' "$@"
  } >supervisord.conf
  up supervisord -c supervisord.conf
  listening 8080
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: http\.server \\([0-9]+\\) .*listens.*"
  says supervisord
  no_remedy '^(sudo )?kill '"$(pgrep -P "$pid")"
}
rpc="[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface"
unix="[unix_http_server]
file=$work/supervisor.sock"

# What it advises works in any folder, and lasts.
supervise_ends() { # PATTERN
  remedy "$1"
  stop=$(json '.remedies[]' | grep -xE "$1" | head -n 1)
  sh -c "sudo() { \"\$@\"; }; cd /; $stop" >/dev/null 2>&1
  sleep 1.2
  ask 127.0.0.1:8080
  exits 0
}

row_supervisord() {
  has supervisord || return
  supervise "$unix" "$rpc" "[supervisorctl]" "serverurl=unix://$work/supervisor.sock"
  supervise_ends "(sudo )?supervisorctl -c $work/supervisord.conf stop web"
}
row_supervisord_alone() { # without the section that supervisorctl wants
  has supervisord || return
  supervise "$unix" "$rpc"
  supervise_ends "(sudo )?sh -c .*supervisorctl -c /dev/stdin -s unix://$work/supervisor.sock stop web\""
}
row_supervisord_deaf() { # without a server
  has supervisord || return
  supervise
  says "It stops supervisord, which takes no orders"
  supervise_ends "(sudo )?kill $pid"
}

# Supervisors that are not in Debian's smallest set: a program of that name starts the server, with the
# arguments and the environment that the real one gives it.
supervisor() { # NAME [VARIABLE=VALUE...]: in a folder of the service
  name=$1
  shift
  mkdir -p service/web/supervise
  cp "$(readlink -f "$python")" "$work/$name"
  cd service/web || return
  rm -f "done"
  up env "$@" "$work/$name" -c 'import os, time, subprocess, sys
subprocess.Popen([sys.argv[1], "-m", "http.server", "--bind", "127.0.0.1", "8080"])
time.sleep(1000)' "$python"
  cd "$work" || return
  listening 8080
  sleep 0.1
}
row_runit() {
  supervisor runsv
  ask 127.0.0.1:8080
  says runsv
  remedy "(sudo )?sv stop $work/service/web"
  no_remedy '^(sudo )?kill [0-9]+$'
}
row_s6() {
  supervisor s6-supervise
  ask 127.0.0.1:8080
  says s6-supervise
  remedy "(sudo )?s6-svc -d $work/service/web"
}
row_monit() {
  supervisor monit
  ask 127.0.0.1:8080
  says monit
  remedy '(sudo )?monit (status|stop .*)'
}
row_pm2() {
  has node || return
  cat >god.js <<C
process.title = "PM2 v5.3.0: God Daemon ($work/.pm2)";
require("child_process").spawn("$(command -v node)", ["server.js"],
  {stdio: "ignore", env: {...process.env, pm_id: "0", name: "shop"}});
C
  echo 'require("http").createServer().listen(3000)' >server.js
  up node god.js
  listening 3000
  ask :3000
  says PM2
  remedy '(sudo )?pm2 stop shop'
  no_remedy '^(sudo )?kill [0-9]+$'
}

# --- systemd: process 1 of a process namespace with its name, and a unit file ---

row_socket_unit() {
  mkdir -p /run/systemd/system units
  printf '[Socket]\nListenStream=127.0.0.1:8080\n' >/run/systemd/system/web.socket
  cp "$(readlink -f "$python")" "$work/systemd"
  cp "$portreuse" "$work/inner"
  cat >asker.py <<C
import os, socket, subprocess, sys
s = socket.create_server(("127.0.0.1", 8080))
for format, name in (("json", "unit.json"), ("text", "unit.text")):
    open(name, "w").write(subprocess.run(sys.argv[1:] + ["--format", format], stdout=-1, text=True).stdout)
C
  unshare --pid --fork --mount-proc "$work/systemd" asker.py "$portreuse" why 127.0.0.1:8080
  cp unit.json json
  cp unit.text out
  asked=127.0.0.1:8080
  rc=1
  first 'EADDRINUSE .*: (systemd .*)?web\.socket.*'
  remedy '(sudo )?systemctl stop web\.socket( web\.service)?'
  no_remedy 'kill'
}

# in_group PATH: a server in this control group.
in_group() {
  py 'if sys.argv[1]:
    time.sleep(0.3)
s = server("0.0.0.0", 8080)
done()' x
  # shellcheck disable=SC2310
  if ! cgroup "$1" "$pid"; then
    skip "$label" "control groups cannot be made here"
    return 1
  fi
  made
}
id=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
pod=kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod9c1b2a3d_1111_2222_3333_444455556666.slice

row_docker_group() {
  if in_group "docker/$id"; then
    ask :8080
    says 0123456789ab
    remedy '(sudo )?docker stop 0123456789ab'
    no_remedy '^(sudo )?kill '
  fi
  leave_groups
}
row_docker_scope() {
  if in_group "system.slice/docker-$id.scope"; then
    ask :8080
    remedy '(sudo )?docker stop 0123456789ab'
  fi
  leave_groups
}
row_podman_scope() {
  if in_group "machine.slice/libpod-$id.scope/container"; then
    ask :8080
    remedy '(sudo )?podman stop 0123456789ab'
  fi
  leave_groups
}
row_pod() {
  if in_group "$pod/cri-containerd-$id.scope"; then
    ask :8080
    first 'EADDRINUSE .*pod.*'
    remedy '(sudo )?(kubectl|crictl) .*'
    says 'kubelet'
    no_remedy '^(sudo )?kill '
  fi
  leave_groups
}
row_lxc() {
  if in_group "lxc.payload.web1/init.scope"; then
    ask :8080
    says web1
    remedy '(sudo )?lxc-.* web1.*'
  fi
  leave_groups
}
row_service() {
  if in_group "system.slice/web.service"; then
    ask :8080
    says web.service
    remedy '(sudo )?systemctl stop web\.service'
    no_remedy '^(sudo )?kill '
  fi
  leave_groups
}
row_user_service() {
  if in_group "user.slice/user-1000.slice/user@1000.service/app.slice/web.service"; then
    ask :8080
    remedy '(sudo )?systemctl --user (--machine=1000@ )?stop web\.service|sudo -u .* systemctl --user stop web\.service'
    no_remedy '^(sudo )?systemctl stop'
  fi
  leave_groups
}

# docker-proxy: a program of this name with the arguments that dockerd gives it.
row_docker_proxy() {
  cp "$(readlink -f "$python")" "$work/docker-proxy"
  cat >proxy.py <<C
import socket, time
s = socket.create_server(("0.0.0.0", 8080))
time.sleep(1000)
C
  # Python takes the options of docker-proxy for its own; so they come behind the script.
  up "$work/docker-proxy" proxy.py -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 \
    -container-port 80 -use-listen-fd
  listening 8080
  ask :8080
  first 'EADDRINUSE 0\.0\.0\.0:8080: docker-proxy \([0-9]+\) for container 172\.17\.0\.2:80 listens.*'
  remedy '(sudo )?docker .*--filter publish=8080.*'
  no_remedy 'systemctl stop docker|^(sudo )?kill '
}
# UDP, and what Podman does it with.
row_forwarders() {
  cat >proxy.py <<C
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 8080))
t = socket.create_server(("0.0.0.0", 8080))
time.sleep(1000)
C
  for name in docker-proxy conmon pasta slirp4netns rootlessport kube-proxy; do
    cp "$(readlink -f "$python")" "$work/$name"
    up "$work/$name" proxy.py -c 0123 -n web -r /usr/bin/crun
    listening 8080
    ask udp/8080
    [ "$name" != docker-proxy ] || remedy '(sudo )?docker stop \$\(docker ps -q --filter publish=8080/udp\)'
    ask :8080
    case $name in
    conmon)
      first 'EADDRINUSE .*: conmon \([0-9]+\) for container web listens.*'
      remedy '(sudo )?podman stop web'
      ;;
    kube-proxy)
      first 'EADDRINUSE .*: kube-proxy \([0-9]+\) for a NodePort service listens.*'
      remedy 'kubectl get services .*'
      ;;
    docker-proxy) ;;
    *)
      first "EADDRINUSE .*: $name \\([0-9]+\\) for a container listens.*"
      remedy '(sudo )?podman ps .*'
      ;;
    esac
    no_remedy '^(sudo )?kill '
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
  done
}
row_rootlesskit() {
  cp "$(readlink -f "$python")" "$work/rootlesskit"
  cat >proxy.py <<C
import socket, time
s = socket.create_server(("0.0.0.0", 8080))
time.sleep(1000)
C
  up "$work/rootlesskit" proxy.py --net=slirp4netns --port-driver=builtin dockerd
  listening 8080
  ask :8080
  first 'EADDRINUSE .*: rootlesskit \([0-9]+\) for a container listens.*'
  remedy '(sudo )?docker .*--filter publish=8080.*'
  no_remedy '^(sudo )?kill '
}

rows
