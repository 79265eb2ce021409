import Workbench

/// Facts about a guest: the `key=value` lines that a script printed on it.
///
/// A key may occur several times; its values then form a list.
package struct Facts: Sendable, Equatable {
    private var values: [String: [String]] = [:]

    package init(_ output: String) {
        for line in output.split(whereSeparator: \.isNewline) {
            guard let end = line.firstIndex(of: "="), end != line.startIndex else { continue }
            let key = line[..<end]
            guard key.allSatisfy({ $0.isASCII && ($0.isLowercase || $0 == "_") }) else { continue }
            values[String(key), default: []].append(String(line[line.index(after: end)...]))
        }
    }

    /// - Throws: `MissingFact` if the script ended before it printed the key.
    func value(_ key: String) throws(MissingFact) -> String {
        guard let value = values[key]?.last else { throw MissingFact(key: key) }
        return value
    }

    func number(_ key: String) throws(MissingFact) -> Int {
        guard let number = Int(try value(key)) else { throw MissingFact(key: key) }
        return number
    }

    /// All values of a key, without empty ones.
    /// - Throws: `MissingFact` if there is not even an empty value: scripts print `key=` before the list.
    func list(_ key: String) throws(MissingFact) -> [String] {
        guard let list = values[key] else { throw MissingFact(key: key) }
        return list.filter { !$0.isEmpty }
    }

    struct MissingFact: Error, Equatable, CustomStringConvertible {
        var key: String
        var description: String { "the guest did not report '\(key)'" }
    }
}

/// The shell scripts that gather the facts of all checks of one source in one session, because each login costs seconds
/// in an emulated guest.
extension Expectations {
    var userScript: String {
        """
        echo "groups=$(id -nG)"
        sudo -k
        if sudo -n true 2>/dev/null; then echo sudo_asks=no; else echo sudo_asks=yes; fi
        echo "core_soft=$(ulimit -Sc)"
        echo "core_hard=$(ulimit -Hc)"
        echo "core_pattern=$(cat /proc/sys/kernel/core_pattern)"
        echo "poetry=$(poetry --version 2>&1 | tail -n 1)"

        # The engine may still be starting.
        end=$(($(date +%s) + \(limits.services.components.seconds)))
        until server=$(docker version --format '{{.Server.Version}}' 2>&1) || [ "$(date +%s)" -ge $end ]; do sleep 2; done
        if docker version >/dev/null 2>&1; then echo docker_reached=yes; else echo docker_reached=no; fi
        echo "docker=$(echo "$server" | tail -n 1)"

        cd \(shellQuoted(paths.scriptLanguages)) 2>/dev/null && git rev-parse --verify HEAD >/dev/null 2>&1 && {
            echo "clone=$(git describe --tags --always)"
            echo clone_fault=
            # A submodule that is missing or at another commit is marked at the beginning of its line.
            git submodule status --recursive | sed -n 's/^[-+U]/clone_fault=submodule /p'
            git status --porcelain | sed 's/^/clone_fault=changed /' | head -n 3
            echo "clone_submodules=$(git submodule status --recursive | wc -l)"
        } || echo clone=none
        echo "missing_components=$(cat \(shellQuoted(paths.missingComponents)) 2>/dev/null | tr '\\n' ' ')"

        """
    }

    var rootScript: String {
        let home = shellQuoted("/home/\(user)")
        return """
            user=\(shellQuoted(user))
            boot=@$(sed -n 's/^btime //p' /proc/stat)
            # Prints the files that match, as a list under one key.
            files() { key=$1; shift; echo "$key="; find "$@" 2>/dev/null | head -n 10 | sed "s/^/$key=/"; }
            # The same, without files created since this boot.
            older() { key=$1; shift; files "$key" "$@" ! -newerct "$boot"; }

            echo login_user=
            awk -F: '$3 >= 1000 && $3 < 65000 { print "login_user=" $1 }' /etc/passwd
            files ssh_file /root/.ssh /home/*/.ssh -mindepth 1
            files authorized_keys /root /home /etc -name 'authorized_keys*' -size +0
            files history /root \(home) -maxdepth 1 '(' -name '.*_history' -o -name '.*hst' -o -name .wget-hsts ')'
            files build_file /run/dss /usr/local/lib/dss/seal.d /opt/dss-uv /root/.ansible /home/*/.ansible -maxdepth 0
            grep -rlsE '^[^#]*NOPASSWD' /etc/sudoers /etc/sudoers.d | sed 's/^/build_file=/'
            older cache /var/lib/apt/lists /var/cache/apt/archives -type f ! -name lock
            files cache /root/.cache/pip /home/*/.cache/pip /root/.cache/uv /home/*/.cache/uv -maxdepth 0
            older log /var/log -type f -size +0
            find /var/log/journal -mindepth 1 -maxdepth 1 ! -name "$(cat /etc/machine-id)*" 2>/dev/null | sed 's/^/log=/'
            older jupyter_secret \(home)/.jupyter \(home)/.local/share/jupyter \
            '(' -name token -o -name jupyter_server_config.json -o -name jupyter_cookie_secret ')'
            older cloud_state /var/lib/cloud/instances /var/lib/cloud/data -mindepth 1
            files host_file /usr/local/share/ca-certificates /etc/pip.conf /root/.config/pip /home/*/.config/pip /root/.pip \
            /home/*/.pip /root/.docker/config.json /home/*/.docker/config.json /root/.netrc /home/*/.netrc \
            /root/.gitconfig /home/*/.gitconfig /root/.aws /home/*/.aws -type f
            grep -rlsE '^[^#]*Acquire::[a-z]+::(.*::)?Proxy' /etc/apt | sed 's/^/host_file=/'
            grep -sE '(proxy|PROXY|_CA_|CERT)' /etc/environment | sed 's/^/host_file=\\/etc\\/environment: /'
            [ ! -e /etc/gitconfig ] || grep -l insteadOf /etc/gitconfig | sed 's/^/host_file=/'

            echo "machine_id=$(cat /etc/machine-id)"
            echo "password_login=$(sshd -T 2>/dev/null | sed -n 's/^passwordauthentication //p')"
            echo password_refusal=
            grep -risE '^[[:space:]]*PasswordAuthentication[[:space:]]+no' /etc/ssh/sshd_config /etc/ssh/sshd_config.d |
                sed 's/^/password_refusal=/'

            for name in Update-Package-Lists Unattended-Upgrade; do
                echo "update_interval=$name $(apt-config dump --format '%v%n' "APT::Periodic::$name")"
            done
            echo "update_program=$(dpkg-query -Wf '${db:Status-Status} ${Version}' unattended-upgrades 2>/dev/null)"
            echo stopped_timer=
            for timer in apt-daily.timer apt-daily-upgrade.timer; do
                systemctl is-active --quiet $timer || echo "stopped_timer=$timer"
            done
            echo security_source=
            grep -rhsE '^(deb .*|Suites:.*)-security' /etc/apt/sources.list /etc/apt/sources.list.d |
                sed 's/^/security_source=/'

            echo "system_state=$(timeout \(limits.services.components.seconds) \
            systemctl is-system-running --wait 2>&1 | tail -n 1)"
            echo failed_unit=
            systemctl list-units --failed --plain --no-legend | awk '{ print "failed_unit=" $1 }'
            echo "boot_time=$(systemd-analyze time 2>&1 | head -n 1)"
            echo blame=
            systemd-analyze blame --no-pager 2>/dev/null | head -n 40 | sed 's/^ */blame=/'

            root=$(readlink -f "$(findmnt -no SOURCE /)")
            block=/sys/class/block/${root##*/}
            echo "root_device=$root"
            echo "partition_start=$(cat "$block/start" 2>/dev/null)"
            echo "partition_sectors=$(cat "$block/size" 2>/dev/null)"
            echo "disk_sectors=$(cat "$block/../size" 2>/dev/null)"
            echo "root_bytes=$(df -B1 --output=size / | tail -n 1 | tr -d ' ')"

            """
    }
}
