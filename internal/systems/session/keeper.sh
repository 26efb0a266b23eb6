#!/bin/sh
# Ends a run of the machines and removes all of it, however the run went.
#
#   keeper.sh MODE RUN NAME < pipe
#
# MODE  own: a libvirt in this process's own namespaces; libvirt or
#       virtualbox: the system's; plain: no machines, but processes and files
# RUN   folder of the run; /tmp/NAME belongs to it, too
# NAME  of its network and storage pool; its machines' names begin with NAME_,
#       those of the boxes that Vagrant unpacks for it with NAME-
#
# Only the process that makes the run holds the other end of the pipe. It
# closes when that process ends, be it killed. With the word "keep" written
# to it before, the machines stay until the file RUN/kept is removed. The
# folder RUN stays if something of the run does: the next run tries again.
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
	for env in $(grep -lszx "AVIR_RUN=$name" /proc/[0-9]*/environ); do
		pid=${env#/proc/}
		kill -KILL "${pid%/environ}" 2> /dev/null
	done
	true
}

end_libvirt() {
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
	for machine in $(vbox list vms | sed -n "s/^\"\(${name}_[a-z0-9]*\)\" .*/\1/p"); do
		vbox controlvm "$machine" poweroff
		vbox unregistervm "$machine" --delete
	done
}

# These name what is still there, and fail where that can't be asked.
left_libvirt() {
	domains=$($virsh list --all --name 2>&1) && pools=$($virsh pool-list --all --name 2>&1) &&
		nets=$($virsh net-list --all --name 2>&1) || { echo "virsh: $domains $pools $nets"; return 1; }
	echo "$domains" | sed -n "s/^ *\(${name}_[^ ]*\) *$/machine \1/p"
	echo "$pools" | sed -n "s/^ *\($name\) *$/storage pool \1/p"
	echo "$nets" | sed -n "s/^ *\($name\) *$/network \1/p"
}

left_virtualbox() {
	machines=$(vbox list vms 2>&1) || { echo "VBoxManage: $machines"; return 1; }
	echo "$machines" | sed -n "s/^\"\(${name}_[a-z0-9]*\)\" .*/machine \1/p"
}

virsh="virsh -q -c qemu:///system"
# The run's own VirtualBox, beside the user's. What this starts ends with the
# run's processes.
vbox() {
	AVIR_RUN=$name VBOX_USER_HOME=$run/vbox VBOX_IPC_SOCKETID=$name VBoxManage "$@"
}

# Succeeds when nothing is left but files.
end_run() {
	case $mode in
	own) kill -KILL -1 2> /dev/null; true ;;
	plain) kill_processes ;;
	libvirt | virtualbox)
		kill_processes
		"end_$mode" > /dev/null 2>&1
		left=$("left_$mode") && [ -z "$left" ] && kill_processes
		;;
	esac
}

remove_files() {
	if [ -n "$home" ]; then
		rm -rf "$home/boxes/$name-"* || return 1
		# Vagrant unpacks boxes there. In the user's own it is not for us.
		[ "$home" != "${run%/*}/vagrant" ] || rm -rf "$home"/tmp/* || return 1
	fi
	rm -rf "/tmp/$name" "/tmp/.vbox-$name-ipc" "$run"
}

# In this mode "kill -1" ends the run. Outside a process namespace of its own
# it would end every process of this machine.
if [ "$mode" = own ] && [ $$ != 1 ]; then
	echo "keeper.sh: mode own is for process 1 of a namespace, not for process $$" >&2
	exit 2
fi
if [ "$mode" = own ] && ! start_libvirt; then
	rm -rf "$run" "/tmp/$name"
	exit 1
fi

# Orphans in the namespace become this shell's children: while it waits for
# one child, it takes all that end.
await_end &
wait $!

home=$(cat "$run/home" 2> /dev/null)
# What was just killed may still be about to end, or to write.
tries=0 left=
until end_run && remove_files 2> /dev/null; do
	tries=$((tries + 1))
	if [ $tries -ge 20 ]; then
		echo "still there: ${left:-files in $run}"
		exit 1
	fi
	sleep 1
done
