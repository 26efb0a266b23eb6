#!/bin/sh
# Installs the packages of this folder on the machine it runs on, tests the
# installed libraries with the harness, upgrades and removes them. It is for
# machines that are thrown away afterwards, runs as root, and needs nothing
# but sh and the system's own dpkg or rpm: the dash of Debian 6 and the bash
# of CentOS 6 run it.
#
#   check.sh deb|rpm [limit=120s] [wait=5s] [full=1] [floor=2.6.32] [clamd=PORT]
#
# limit  longest time for one call of a plugin
# wait   pause of the waiting test
# full   all repetitions of the hostile test, and that with each clamd
# floor  system calls newer than this kernel's are hidden
# clamd  port of this machine's loopback where a real clamd answers
#
# Lines of its output that begin with @ are for the program that runs it;
# the folder out gets logs and the harness's reports.

format=$1
shift
limit=30s wait=5s full='' quick=--quick floor='' clamd=''
for setting; do
	case $setting in
	limit=*) limit=${setting#*=} ;;
	wait=*) wait=${setting#*=} ;;
	full=1) full=1 quick='' ;;
	floor=*) floor="--kernel-floor ${setting#*=}" ;;
	clamd=*) clamd=${setting#*=} ;;
	*) echo "check.sh: unknown setting $setting" >&2; exit 2 ;;
	esac
done

cd "$(dirname "$0")" || exit 1
here=$(pwd)
out=$here/out
connect=/opt/kerio/mailserver/plugin/avserver/avirs
control=/opt/kerio/winroute/avirplugins
fakeport=3399
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
rm -rf "$out"
mkdir -p "$out"
failures=0

# Debian's rpm wants to be told that it is not Debian's way.
rpm=rpm
if [ -e /etc/debian_version ]; then
	rpm="rpm --force-debian"
fi

# step NAME COMMAND... runs one step and tells how it went.
step() {
	step_name=$1
	shift
	echo "@step $step_name"
	step_begin=$(date +%s)
	{
		"$@"
		echo $? > "$out/status"
	} > "$out/step.log" 2>&1
	step_status=$(cat "$out/status")
	{
		echo "== $step_name"
		cat "$out/step.log"
	} >> "$out/check.log"
	step_time=$(($(date +%s) - step_begin))
	if [ "$step_status" = 0 ]; then
		echo "@ok $step_time $step_name"
		return 0
	fi
	failures=$((failures + 1))
	tail -n 30 "$out/step.log"
	echo "@failed $step_time $step_name"
	return 1
}

# long is step for what takes long: its output can be followed.
long() {
	step_name=$1
	shift
	echo "@step $step_name"
	echo "== $step_name" >> "$out/check.log"
	step_begin=$(date +%s)
	{
		"$@"
		echo $? > "$out/status"
	} 2>&1 | tee -a "$out/check.log"
	step_time=$(($(date +%s) - step_begin))
	if [ "$(cat "$out/status")" = 0 ]; then
		echo "@ok $step_time $step_name"
		return 0
	fi
	failures=$((failures + 1))
	echo "@failed $step_time $step_name"
	return 1
}

facts() {
	echo "@fact kernel $(uname -r)"
	echo "@fact machine $(uname -m)"
	echo "@fact libc $(getconf GNU_LIBC_VERSION)"
	if [ "$format" = deb ]; then
		echo "@fact packager dpkg $(dpkg-query -W -f '${Version}' dpkg)"
	else
		echo "@fact packager $(rpm --version | sed 's/^RPM version/rpm/')"
	fi
	if [ -e /etc/debian_version ]; then
		echo "@fact system Debian $(cat /etc/debian_version)"
	elif [ -e /etc/redhat-release ]; then
		echo "@fact system $(cat /etc/redhat-release)"
	fi
}

# The product's folders, with owners and modes that no package would set.
product() {
	if [ -e /opt/kerio ]; then
		echo "this machine has /opt/kerio: it is not one to throw away"
		return 1
	fi
	for dir in $connect $control; do
		mkdir -p $dir &&
		echo "the product's" > $dir/product.so &&
		chmod 640 $dir/product.so &&
		chmod 750 $dir &&
		chown 1234:1235 $dir $dir/product.so || return 1
	done
	listing > before.txt
	cat before.txt
}

# Modes, owners and names below /opt/kerio.
listing() {
	find /opt/kerio -exec ls -ldn {} \; | awk '{ print $1, $3, $4, $NF }' | sort
}

unchanged() {
	listing | grep -v '/avir_[a-z]*\.so$' > now.txt
	diff before.txt now.txt
}

# packages VERSION PRODUCT prints the package files for this machine.
packages() {
	if [ "$format" = rpm ]; then
		ls "$here/packages/$1/kerio-$2"-*."$(uname -m)".rpm
	else
		ls "$here/packages/$1/kerio-$2"-*_"$(dpkg --print-architecture)".deb
	fi
}

# label FILE prints name and version of a package file.
label() {
	if [ "$format" = rpm ]; then
		$rpm -qp --nosignature --qf '%{NAME} %{VERSION}-%{RELEASE}\n' "$1"
	else
		echo "$(dpkg-deb -f "$1" Package) $(dpkg-deb -f "$1" Version)"
	fi
}

# install VERSION PRODUCT installs or upgrades, and checks what is there then.
install() {
	files=$(packages "$1" "$2") || return 1
	if [ "$format" = rpm ]; then
		$rpm -U $files || return 1
	else
		dpkg -i $files || return 1
	fi
	for file in $files; do
		installed $(label "$file") || return 1
	done
	unchanged
}

# installed NAME VERSION checks the database and every file against it.
installed() {
	echo "$1 $2 must be installed and whole"
	if [ "$format" = rpm ]; then
		[ "$($rpm -q --qf '%{VERSION}-%{RELEASE}' "$1")" = "$2" ] && $rpm -V "$1" || return 1
		list=$($rpm -ql "$1")
	else
		[ "$(dpkg-query -W -f '${Status} ${Version}' "$1")" = "install ok installed $2" ] &&
		(cd / && md5sum -c "/var/lib/dpkg/info/$1.md5sums") || return 1
		list=$(dpkg -L "$1")
	fi
	library=$(echo "$list" | grep '^/opt/kerio/.*/avir_[a-z]*\.so$')
	ls -l "$library" &&
	[ "$(ls -ln "$library" | awk '{ print substr($1, 1, 10), $3, $4 }')" = "-rw-r--r-- 0 0" ]
}

# uninstall PRODUCT removes the packages, then what was configured of them.
uninstall() {
	names=$(for file in $(packages new "$1"); do label "$file" | sed 's/ .*//'; done) || return 1
	if [ "$format" = rpm ]; then
		$rpm -e $names || return 1
	else
		dpkg -r $names && dpkg -P $names || return 1
	fi
	for name in $names; do
		for path in /usr/share/doc/$name /usr/share/licenses/$name /var/lib/dpkg/info/$name.list; do
			if [ -e "$path" ]; then
				echo "$path is still there"
				return 1
			fi
		done
	done
	unchanged
}

# nothing_left checks that only the product's own files are there.
nothing_left() {
	listing > now.txt
	diff before.txt now.txt
}

scanning() {
	./harness run scanning --plugin "$1" --data "$here/data" $floor
}

# run TEST LABEL PLUGIN [OPTION]... runs a test of the harness, or all.
run() {
	test=$1
	label=$2
	plugin=$3
	shift 3
	./harness run "$test" --plugin "$plugin" "$@" --data "$here/data" --wait "$wait" --limit "$limit" $quick $floor \
		--junit "$out/$label.xml" --json "$out/$label.json"
}

start_fake() {
	# It holds what it scans in memory, eight files at once.
	GOGC=20 ./fakeclamd --listen 127.0.0.1:$fakeport > "$out/fakeclamd.log" 2>&1 &
	fake=$!
	trap 'kill $fake 2> /dev/null' EXIT
	tries=0
	while ! grep -q ready "$out/fakeclamd.log"; do
		tries=$((tries + 1))
		if [ $tries -gt 60 ] || ! kill -0 $fake; then
			cat "$out/fakeclamd.log"
			return 1
		fi
		sleep 1
	done
}

facts
fake=
start_fake || { echo "@step fakeclamd"; echo "@failed 0 fakeclamd"; exit 1; }
step "product" product &&
step "generate" ./harness run generate --data "$here/data" &&
step "install the older version" install old connect &&
step "scan with the older version" scanning $connect/avir_sample.so &&
step "upgrade" install new connect || { echo "@end $failures"; exit 1; }

long "avir_sample" run all avir_sample $connect/avir_sample.so
long "avir_clam with the fake clamd" run all avir_clam-fake $connect/avir_clam.so \
	--set Address=127.0.0.1 --set Port=$fakeport
# What the hostile test shows does not depend on the clamd, and takes longest.
if [ -n "$clamd" ]; then
	for part in scanning waiting server ${full:+hostile}; do
		long "avir_clam with a real clamd: $part" run $part avir_clam-real-$part $connect/avir_clam.so \
			--set Address=127.0.0.1 --set Port="$clamd"
	done
fi

step "install a second product's" install new control &&
step "scan with the second product's" scanning $control/avir_sample.so
step "remove the second product's" uninstall control
step "remove" uninstall connect
step "nothing left" nothing_left
rm -f "$out/status" "$out/step.log"
echo "@end $failures"
[ $failures = 0 ]
