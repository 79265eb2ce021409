import Glibc
import Sandbox
import Workbench

/// A guest without a virtual machine: this machine's own sshd, PAM and sudo, in mount and process namespaces with an
/// `/etc` and homes of their own, on a port of the loopback interface. Needs root and an installed sshd.
package struct FakeGuest: GuestHost {
    package let hardware = "pretend, none"
    package let accelerator = "none"
    private let password = "dss-default"
    /// Whether PAM asks its questions during the login, or `passwd` after it.
    private let isInteractive: Bool
    /// Shell commands that make this copy differ from a good one, as root inside.
    private let twist: String
    /// Where JupyterLab listens on the guest; `nil` for any port.
    private let jupyterPort: Int?
    /// Where it listens according to the message of the day.
    private let shownPort: Int
    /// Whether it is reached through an SSH tunnel only, according to the message of the day.
    private let isLocal: Bool
    /// Whether it answers without a tunnel.
    private let isForwarded: Bool

    package init(
        isInteractive: Bool = false, twist: String = "", jupyterPort: Int? = nil, shownPort: Int = 49494,
        isLocal: Bool = false, isForwarded: Bool? = nil
    ) {
        self.isLocal = isLocal
        self.isForwarded = isForwarded ?? !isLocal
        self.isInteractive = isInteractive
        self.twist = twist
        self.jupyterPort = jupyterPort
        self.shownPort = shownPort
    }

    package func withGuest<Result: Sendable>(
        _ name: String, _ body: @Sendable (GuestAddress) async throws -> Result
    ) async throws -> Result {
        let ports = try (freePort(), jupyterPort ?? freePort())
        let forwarded = try isForwarded ? ports.1 : freePort()
        return try await withTemporaryDirectory { directory in
            try writeAtomically(Self.boot, to: "\(directory)/boot", mode: 0o755)
            try writeAtomically(twist, to: "\(directory)/twist", mode: 0o755)
            try writeAtomically(Self.sudo, to: "\(directory)/sudo", mode: 0o755)
            try writeAtomically(Self.jupyter, to: "\(directory)/jupyter", mode: 0o755)
            let runner = SystemCommandRunner()
            let log = "\(directory)/console.log"
            let guest = try await runner.start(
                Command(
                    "unshare",
                    [
                        "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "\(directory)/boot",
                        directory, "\(ports.0)", "\(ports.1)", password, isInteractive ? "yes" : "no",
                        "\(shownPort)", isLocal ? "yes" : "no",
                    ]), log: log)
            return try await finally {
                try await body(
                    GuestAddress(host: "127.0.0.1", sshPort: ports.0, jupyterPort: forwarded, consoleLog: log))
            } cleanup: {
                guest.signal(SIGKILL)
                _ = await guest.ended(within: .seconds(5))
            }
        }
    }

    package static var missing: String? {
        if geteuid() != 0 { return "needs root" }
        let tools = ["/usr/sbin/sshd", "/usr/bin/ssh", "/usr/bin/python3", "/usr/bin/curl"]
        return tools.first { !fileExists($0) }.map { "needs \($0)" }
    }

    private static let boot = #"""
        set -e
        dir=$1 port=$2 jupyter=$3 password=$4 interactive=$5 told=$6 local=$7
        echo "pretend guest is starting"
        mkdir "$dir/own" && mount -t tmpfs tmpfs "$dir/own"
        cp -a /etc "$dir/own/etc" && mount --bind "$dir/own/etc" /etc
        for private in /home /root /run /opt /usr/local /var/log /var/lib/apt/lists /var/cache/apt; do
            mount -t tmpfs -o mode=755 tmpfs "$private"
        done
        mkdir -p /run/sshd /usr/local/bin
        head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >/etc/machine-id

        rm -rf /etc/pip.conf /etc/gitconfig /etc/ssh/sshd_config.d /etc/update-motd.d /etc/motd /etc/sudoers.d /etc/ssh/ssh_host_*
        mkdir /etc/ssh/sshd_config.d /etc/update-motd.d /etc/sudoers.d
        ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
        sed -i '/pam_loginuid/d; /pam_selinux/d' /etc/pam.d/sshd
        # A refused password is answered at once, instead of after two seconds.
        sed -i 's/pam_unix\.so nullok/& nodelay/' /etc/pam.d/common-auth
        echo '* hard core 0' >/etc/security/limits.d/90-no-core-dumps.conf
        # Security updates turned off as by their variable: without systemd, nothing could start them.
        printf 'APT::Periodic::%s "0";\n' Update-Package-Lists Unattended-Upgrade >/etc/apt/apt.conf.d/20auto-upgrades
        cat >/etc/ssh/sshd_config <<END
        Port $port
        ListenAddress 127.0.0.1
        PasswordAuthentication yes
        KbdInteractiveAuthentication $interactive
        UsePAM yes
        PrintMotd no
        LogLevel INFO
        END
        awk -F: '$3 >= 1000 && $3 < 65000 { print $1 }' /etc/passwd | while read -r user; do userdel "$user"; done
        groupadd -f docker && groupadd -f sudo
        useradd --create-home --skel /nowhere --shell /bin/bash --groups sudo,docker ubuntu
        echo '%sudo ALL=(ALL:ALL) ALL' >/etc/sudoers.d/sudo && chmod 440 /etc/sudoers.d/sudo
        echo "ubuntu:$password" | chpasswd
        chage -d 0 ubuntu

        if [ ! -e /usr/bin/sudo ]; then
            # The kernel honours the bit of a script's interpreter.
            cp "$(readlink -f /usr/bin/python3)" /usr/local/bin/python-as-root
            cp "$dir/sudo" /usr/local/bin/sudo
        fi
        printf '#!/bin/sh\necho "Poetry (version 2.0)"\n' >/usr/local/bin/poetry
        printf '#!/bin/sh\necho 20.10.24\n' >/usr/local/bin/docker
        cat >/usr/local/bin/change-jupyter-password <<'END'
        #!/bin/bash
        read -rsp 'Enter password: ' one; echo
        read -rsp 'Verify password: ' two; echo
        [ "$one" = "$two" ] || exit 1
        echo "$one" >/run/jupyter/password && rm /run/jupyter/token
        END
        address=10.0.2.15 listens=0.0.0.0 tunnel=
        if [ "$local" = yes ]; then
            address=localhost listens=127.0.0.1 tunnel="    ssh -L $told:localhost:$told ubuntu@10.0.2.15\n"
        fi
        printf '#!/bin/sh\necho "LISTEN 0 128 %s:%s 0.0.0.0:*"\n' $listens $told >/usr/local/bin/ss
        cat >/etc/update-motd.d/99-jupyter <<END
        #!/bin/sh
        [ ! -e /run/jupyter/token ] || query="?token=\$(cat /run/jupyter/token)"
        printf 'JupyterLab runs here:\n$tunnel    http://$address:$told/lab%s\n' "\$query"
        printf 'To set its password, type:\n    change-jupyter-password\n'
        END
        mkdir -p /opt/jupyterlab/bin
        cat >/opt/jupyterlab/bin/python <<'END'
        #!/bin/sh
        cat >/dev/null; echo progress=looking around
        for part in kernel plot query notebooks distributions connector flavors; do echo $part=fine; done
        END
        chmod 755 /usr/local/bin/* /etc/update-motd.d/* /opt/jupyterlab/bin/python
        [ -e /usr/bin/sudo ] || chmod 4755 /usr/local/bin/python-as-root
        mkdir /run/jupyter && head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' >/run/jupyter/token
        chown -R ubuntu /run/jupyter
        . "$dir/twist"
        python3 "$dir/jupyter" "$jupyter" 2>/dev/null &
        printf "${tunnel}http://$address:%s/lab?token=%s\n\nvm login: " "$told" "$(cat /run/jupyter/token)"
        exec /usr/sbin/sshd -D -e
        """#

    /// As much of sudo as is needed where it is not installed; remembers a password for the same parent process.
    private static let sudo = #"""
        #!/usr/local/bin/python-as-root -I
        import ctypes, getpass, os, pwd, sys

        options, command = set(), sys.argv[1:]
        while command and command[0].startswith("-"):
            options.add(command.pop(0))
            if "-p" in options and command and command[0] == "":
                command.pop(0)
        user = pwd.getpwuid(os.getuid()).pw_name
        os.setuid(0)
        known = f"/run/sudo-{os.getppid()}"
        if "-k" in options and not command:
            if os.path.exists(known):
                os.unlink(known)
            sys.exit(0)
        if not os.path.exists(known):
            if "-n" in options:
                sys.exit("sudo: a password is required")
            said = sys.stdin.readline().rstrip("\n") if "-S" in options else getpass.getpass(f"[sudo] password for {user}: ")
            stored = [line.split(":")[1] for line in open("/etc/shadow") if line.startswith(user + ":")][0]
            crypt = ctypes.CDLL("libcrypt.so.1").crypt
            crypt.restype = ctypes.c_char_p
            if crypt(said.encode(), stored.encode()) != stored.encode():
                sys.exit("sudo: 1 incorrect password attempt")
            open(known, "w").close()
        if command:
            os.setgid(0)
            os.environ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
            os.execvp(command[0], command)
        """#

    /// As much of JupyterLab as a login needs.
    private static let jupyter = #"""
        import sys
        from http.cookies import SimpleCookie
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
        from pathlib import Path
        from urllib.parse import parse_qs, urlsplit

        def secret():
            files = [Path("/run/jupyter/password"), Path("/run/jupyter/token")]
            return next(file.read_text() for file in files if file.exists()).rstrip("\n")

        class Handler(BaseHTTPRequestHandler):
            def cookie(self, name):
                found = SimpleCookie(self.headers.get("Cookie", "")).get(name)
                return found.value if found else ""

            def answer(self, status, **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self):
                session = f"session={hash(secret())}; Path=/"
                entered = self.cookie("session") == str(hash(secret()))
                if self.path == "/login":
                    self.answer(200, Set_Cookie="_xsrf=2|token; Path=/")
                elif self.path.startswith("/api/"):
                    self.answer(200 if entered else 403)
                elif entered:
                    self.answer(200)
                elif parse_qs(urlsplit(self.path).query).get("token") == [secret()]:
                    self.answer(200, Set_Cookie=session)
                else:
                    self.answer(302, Location="/login?next=%2Flab")

            def do_POST(self):
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                if form["_xsrf"] != [self.cookie("_xsrf")]:
                    self.answer(403)
                elif form["password"] != [secret()]:
                    self.answer(401)
                else:
                    self.answer(302, Location="/lab", Set_Cookie=f"session={hash(secret())}; Path=/")

        ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
        """#
}

/// A port of the loopback interface that nobody listens on now.
package func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
        }
    }
    guard bound else { throw FileError("find a free port on", "127.0.0.1") }
    return Int(UInt16(bigEndian: address.sin_port))
}
