#!/bin/sh
# Ends a run of the machines and removes all of it, however the run went.
#
#   keeper.sh MODE RUN NAME < pipe
#
# MODE  own: a libvirt in this process's own namespaces; libvirt or
#       virtualbox: the system's; plain: no machines, but processes and files
# RUN   folder of the run
# NAME  of its network and storage pool; its machines' names begin with NAME_
#
# Only the process that makes the run holds the other end of the pipe. It
# closes when that process ends, be it killed. With the word "keep" written
# to it before, the machines stay until the file RUN/kept is removed.
mode=$1 run=$2 name=$3
PATH=$PATH:/usr/sbin:/sbin
exec 3<&0

case $name in
avirkit-[0-9]*) ;;
*) echo "keeper.sh: $name is not the name of a run" >&2; exit 2 ;;
esac

# Namespaces of mounts, processes and the network were made for this process:
# they end with it, and so does everything in them.
start_libvirt() {
	mount --make-rprivate / &&
	mount -t proc proc /proc &&
	mount -t tmpfs -o mode=755 tmpfs /run &&
	for dir in etc/libvirt var/lib/libvirt var/log/libvirt var/cache/libvirt; do
		mkdir -p "$run/$dir" "/$dir" && mount --bind "$run/$dir" "/$dir" || return 1
	done &&
	ip link set lo up || return 1
	# No terminal, no pipe: libvirtd must not keep the pipe open.
	libvirtd < /dev/null 3<&- &
}

await_end() {
	word=
	read -r word <&3
	while [ "$word" = keep ] && [ -e "$run/kept" ]; do
		sleep 2
	done
}

# Whatever this run has started says so in its environment.
kill_processes() {
	for env in /proc/[0-9]*/environ; do
		if tr '\0' '\n' < "$env" 2> /dev/null | grep -qx "AVIR_VM_RUN=$name"; then
			pid=${env#/proc/}
			kill -KILL "${pid%/environ}" 2> /dev/null
		fi
	done
}

end_libvirt() {
	virsh="virsh -q -c qemu:///system"
	for domain in $($virsh list --all --name | grep "^${name}_"); do
		$virsh destroy "$domain"
		$virsh undefine "$domain"
	done
	for volume in $($virsh vol-list "$name" | awk '{ print $1 }'); do
		$virsh vol-delete --pool "$name" "$volume"
	done
	$virsh pool-destroy "$name" && $virsh pool-delete "$name"
	$virsh pool-undefine "$name"
	$virsh net-destroy "$name"
}

end_virtualbox() {
	for machine in $(VBoxManage list vms | sed -n "s/^\"\(${name}_[a-z0-9]*\)\" .*/\1/p"); do
		VBoxManage controlvm "$machine" poweroff
		VBoxManage unregistervm "$machine" --delete
	done
}

if [ "$mode" = own ] && ! start_libvirt; then
	rm -rf "$run"
	exit 1
fi

# Orphans in the namespace become this shell's children: while it waits for
# one child, it takes all that end.
await_end &
wait $!

case $mode in
own)
	kill -KILL -1
	# Vagrant's copies of box files; the boxes of its catalogue stay.
	x=[0-9a-f]
	[ -z "$VAGRANT_HOME" ] || rm -rf "$VAGRANT_HOME"/boxes/avirkit-*-$x$x$x$x$x$x$x$x$x$x$x$x
	;;
plain) kill_processes ;;
libvirt) kill_processes; end_libvirt ;;
virtualbox) kill_processes; end_virtualbox ;;
esac > /dev/null 2>&1
# What was just killed may still be about to end.
tries=0
until rm -rf "$run" "/tmp/$name-clamd" 2> /dev/null || [ $tries -ge 20 ]; do
	tries=$((tries + 1))
	sleep 1
done
[ ! -e "$run" ]
