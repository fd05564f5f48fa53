#!/usr/bin/env bash
# Two machines for one: network namespaces with a cable of a given speed between them. Needs root.
#
#     docs/scaling/namespaces.sh 1gbit COMMAND ...      mpiexec -n 2 COMMAND, one rank in each namespace
#
# Each has its own network, so that all messages cross the cable; files and processors are those of this machine.
set -euo pipefail
rate=$1
shift
a=minivision-a-$$ b=minivision-b-$$
launcher=$(mktemp)
trap 'ip netns delete $a; ip netns delete $b; rm -f "$launcher"' EXIT

ip netns add $a
ip netns add $b
ip link add name cable netns $a type veth peer name cable netns $b
for end in "$a 10.77.0.1" "$b 10.77.0.2"; do
    set_up() { ip -n "$1" address add "$2/24" dev cable && ip -n "$1" link set cable up && ip -n "$1" link set lo up; }
    set_up $end
    tc -n ${end% *} qdisc add dev cable root tbf rate "$rate" burst 256kb latency 50ms
done
sleep 2  # until the ends have found out that nobody else has their addresses
# What mpiexec takes for ssh: [options] HOST COMMAND
cat > "$launcher" << EOF
#!/usr/bin/env bash
while [[ \$1 == -* ]]; do shift; done
host=\$1; shift
[[ \$host == 10.77.0.1 ]] && exec ip netns exec $a bash -c "\$*" || exec ip netns exec $b bash -c "\$*"
EOF
chmod +x "$launcher"
export UCX_TLS=tcp,self  # else MPICH sees that it is one machine, and takes its memory
ip netns exec $a mpiexec -launcher ssh -launcher-exec "$launcher" -iface cable -hosts 10.77.0.1,10.77.0.2 -n 2 "$@"
