# Not read by Berth: what `make test-templates` asks this container from outside, and what the tests expect of it.
PORTS="445"
CREDENTIALS="samba/PASSWORD samba/SHARE_NAME samba/USER"
ask() {
    smb() { smbclient -U "share%$1" "//$HOST/share" -c "$2"; }
    password=$(credential samba/PASSWORD)
    smb "$password" "put /etc/os-release test; ls" | grep " test "
    smbclient -U "share%$password" -L "//$HOST" | grep Disk
    refuses smb wrong ls
    refuses smbclient -N "//$HOST/share" -c ls
}
