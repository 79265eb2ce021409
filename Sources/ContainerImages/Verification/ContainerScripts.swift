import Workbench

/// Shell scripts that run in a container and print what is wrong with it.
enum ContainerScripts {
    static func process(_ user: String) -> String {
        """
        pid=$(pgrep -f 'jupyter-lab|jupyter lab' -u \(shellQuoted(user)) | head -n 1)
        [ -n "$pid" ] || { echo 'no process of JupyterLab belongs to \(user)'; exit; }
        tr '\\0' '\\n' </proc/"$pid"/environ | grep '^JUPYTER_PASSWORD' | sed 's/=.*/ is in its environment/'
        [ "$(cat /proc/1/comm)" = tini ] || echo "process 1 is $(cat /proc/1/comm)"
        ps -e -o user= -o comm= | awk '$1 == "root" && $2 ~ /jupyter|python/ { print "root runs " $2 }'
        """
    }

    static func notebooks(_ folder: String, _ user: String) -> String {
        """
        cd \(shellQuoted(folder)) || exit
        for file in /usr/local/share/dss/notebooks/*; do [ -e "${file##*/}" ] || echo "${file##*/} is missing"; done
        find . ! -user \(shellQuoted(user)) | sed 's/$/ belongs to somebody else/'
        [ -w . ] || echo "\(user) cannot write here"
        """
    }

    static let traces = """
        find /run/dss /opt/dss-uv /usr/local/lib/dss/seal.d /root/.ansible /root/.cache /root/.ssh /root/.config/pip \
        /root/.netrc /etc/pip.conf /home/*/.ansible /home/*/.ssh /home/*/.config/pip /home/*/.netrc -maxdepth 0 2>/dev/null
        find /var/lib/apt/lists /var/cache/apt/archives /var/log /usr/local/share/ca-certificates -type f ! -name lock
        find /etc/ssh -name 'ssh_host_*'
        find / -xdev -name '.*_history' 2>/dev/null
        find /boot /lib/modules -name 'vmlinuz*' 2>/dev/null
        [ ! -s /etc/machine-id ] || echo 'it has a machine-id'
        grep -rlsE '^[^#]*Acquire::[a-z]+::(.*::)?Proxy' /etc/apt
        grep -sE '(proxy|PROXY|_CA_|CERT)' /etc/environment
        awk -F: '$2 ~ /^\\$/ { print "there is a password of " $1 }' /etc/shadow
        true
        """
}
