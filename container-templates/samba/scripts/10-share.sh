# One share, /srv/share, for one user; SMB 2 and newer only, without the old NetBIOS names.
set -eu

if ! id share >/dev/null 2>&1; then
    useradd --system --home-dir /srv/share --shell /usr/sbin/nologin share
fi
# Its files are its own: nobody else in this container needs them.
[ -d /srv/share ] || install -d -m 2770 -o share -g share /srv/share

if [ ! -e /etc/samba/smb.conf.debian ]; then
    cp -p /etc/samba/smb.conf /etc/samba/smb.conf.debian
    cat >/etc/samba/smb.conf <<'END'
# Debian's own is beside this file: smb.conf.debian. After a change: testparm && systemctl reload smbd
[global]
   server role = standalone server
   server min protocol = SMB2_10
   disable netbios = yes
   smb ports = 445
   map to guest = never
   restrict anonymous = 2
   load printers = no
   printing = bsd
   printcap name = /dev/null
   logging = systemd

[share]
   path = /srv/share
   valid users = share
   read only = no
   create mask = 0660
   directory mask = 2770
END
    testparm -s >/dev/null
    systemctl restart smbd
    # It only tells NetBIOS names.
    systemctl disable -q --now nmbd
fi
