# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154	# the agent sets, the others read
# The processes of one host, for the agent `colo`: QEMU, its QMP, and ours.

# --- processes by id ---

# is_own NAME WORD: does the process in NAME.pid live, with WORD among its arguments?
# Its id may belong to another process by now.
is_own() {
	local pid
	pid=$(cat "$RUN/$1.pid" 2>/dev/null) && [ -n "$pid" ] &&
		tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" |
		grep -qxF -- "$2"
}
qemu_lives() { is_own qemu "$RUN/qemu.pid"; }
runner_lives() { is_own runner "$RUN/ctl"; }

signal_own() { kill -"$2" "$(cat "$RUN/$1.pid")" 2>/dev/null; }

# seconds_left: prints how many this action has left, less a few for its end
seconds_left() {
	echo $((${OCF_RESKEY_CRM_meta_timeout:-20000} / 1000 - 3 -
		(SECONDS - BEGAN)))
}

# wait_until SECONDS COMMAND...: waits until it succeeds, so long at most
wait_until() {
	local end=$((SECONDS + $1))
	until "${@:2}"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}
not() { ! "$@"; }

# end_own NAME TEST SECONDS: sends SIGTERM, and SIGKILL after so many seconds
end_own() {
	"$2" || return 0
	signal_own "$1" TERM
	wait_until "$3" not "$2" && return
	ocf_log warn "$1 does not stop: killed"
	signal_own "$1" KILL
	wait_until 5 not "$2"
}

# --- QMP ---

# qmp_open: begins a session; a QMP socket serves one session at a time
qmp_open() {
	local line ends
	coproc QMP { exec socat - "UNIX-CONNECT:$RUN/qmp" 2>/dev/null; }
	ends=("${QMP[@]}")	# gone as soon as bash knows that socat is
	[ ${#ends[@]} -eq 2 ] || return 2
	exec {QMP_IN}<&"${ends[0]}" {QMP_OUT}>&"${ends[1]}"
	QMP_EVENTS=
	qmp_line line && qmp qmp_capabilities
}

qmp_close() {
	[ -z "${QMP_IN-}" ] || exec {QMP_IN}<&- {QMP_OUT}>&-
	unset QMP_IN QMP_OUT
	kill "${QMP_PID-}" 2>/dev/null
	wait "$QMP_PID" 2>/dev/null
	return 0
}

# qmp_line VARIABLE [SECONDS]: reads a line from QEMU
qmp_line() {
	IFS= read -r -t "${2:-$OCF_RESKEY_qmp_timeout}" -u "$QMP_IN" "$1"
}

# qmp COMMAND [ARGUMENTS]: sets QMP_ANSWER to what QEMU returns; events that come
# meanwhile are kept. Status 1: QEMU refused it, 2: no answer came.
qmp() {
	local line parts
	printf '{"execute":"%s"%s}\n' "$1" "${2:+,\"arguments\":$2}" \
		>&"$QMP_OUT" || return 2
	while qmp_line line; do
		mapfile -t parts < <(jq -rc 'if has("return") then "return", .return
			elif has("error") then "error", .error.desc
			elif has("event") then "event" else empty end' \
			<<<"$line" 2>/dev/null)
		case ${parts[0]-} in
		event) QMP_EVENTS+=$line$'\n' ;;
		return) QMP_ANSWER=${parts[1]} && return ;;
		error) ocf_log info "QMP: $1: ${parts[1]}" && return 1 ;;
		esac
	done
	ocf_log warn "QMP: $1: no answer"
	return 2
}

# qmp_event NAME SECONDS: waits for an event, or had it since the session began
qmp_event() {
	local line end=$((SECONDS + $2))
	until [[ $QMP_EVENTS == *"\"event\": \"$1\""* ]]; do
		[ $SECONDS -lt $end ] || return 1
		! qmp_line line 1 || QMP_EVENTS+=$line$'\n'
	done
}

# qmp_ask COMMAND FILTER: prints the answer to one command, through jq
qmp_ask() { qmp "$1" && jq -r "$2" <<<"$QMP_ANSWER"; }

# in_session COMMAND...: runs it with a QMP session
in_session() {
	local status
	qmp_open && "$@"
	status=$?
	qmp_close
	return $status
}

answers() { in_session true; }

# as qmp, in a session of its own
execute() { in_session qmp "$@"; }

# --- QMP out of band ---

# In the middle of a checkpoint QEMU may wait for the other QEMU, and then it accepts no
# session. It still obeys exec-oob on a connection that was made before: what is
# written to the pipe `oob` goes to QEMU, what QEMU sends goes to `said`.
oob_open() {
	local pipe status
	rm -f "$RUN/oob"
	: >"$RUN/said"
	mkfifo "$RUN/oob"
	exec {pipe}<>"$RUN/oob"	# what is in it now waits for socat
	setsid socat - "UNIX-CONNECT:$RUN/oob.qmp" \
		<&"$pipe" >>"$RUN/said" 2>/dev/null {pipe}>&- &
	echo $! >"$RUN/oob.pid"
	oob_tell '"execute":"qmp_capabilities","arguments":{"enable":["oob"]}'
	status=$?
	exec {pipe}>&-
	return $status
}

oob_lives() { is_own oob "UNIX-CONNECT:$RUN/oob.qmp"; }

# oob_tell MEMBERS: sends a command with these members; status 1 without an answer
oob_tell() {
	[ -p "$RUN/oob" ] || return
	OOB_ID=$BASHPID-$((++OOB_COUNT))
	echo "{$1,\"id\":\"$OOB_ID\"}" 1<>"$RUN/oob"
	wait_until "$OCF_RESKEY_qmp_timeout" \
		grep -qF "\"id\": \"$OOB_ID\"" "$RUN/said"
}

# Does QEMU answer out of band, though it accepts no session?
oob_answers() { oob_tell '"exec-oob":"query-yank"'; }

# migration_cut: closes QEMU's end of the link, as if the other QEMU had closed it
migration_cut() {
	oob_tell '"exec-oob":"yank","arguments":{"instances":[{"type":"migration"}]}' ||
		ocf_log warn "QEMU hears nothing out of band"
}

# --- QEMU ---

# qemu_start ROLE: starts it and waits until it answers
qemu_start() {
	local incoming=
	[ "$1" = primary ] || incoming='-incoming defer'
	(
		export_chain "$1"
		export ROLE=$1
		# shellcheck disable=SC2086	# two words or none
		exec setsid sh -c "exec $OCF_RESKEY_qemu \"\$@\"" qemu \
			$incoming -pidfile "$RUN/qemu.pid" \
			-qmp "unix:$RUN/qmp,server=on,wait=off" \
			-qmp "unix:$RUN/colo.qmp,server=on,wait=off" \
			-qmp "unix:$RUN/oob.qmp,server=on,wait=off" \
			</dev/null >>"$OCF_RESKEY_log" 2>&1
	) &
	QEMU_PID=$!
	if ! wait_until "$(seconds_left)" qemu_is_up_or_dead || ! answers ||
		! oob_open; then
		ocf_exit_reason "QEMU did not start, see $OCF_RESKEY_log"
		kill -9 $QEMU_PID 2>/dev/null
		return 1
	fi
}
qemu_is_up_or_dead() { qemu_lives && answers || ! kill -0 "$QEMU_PID"; } 2>/dev/null

# A QEMU that has failed is killed at once: a primary that hung must not go on.
qemu_stop() {
	! qemu_lives || [ ! -e "$RUN/failed" ] || signal_own qemu KILL
	end_own qemu qemu_lives 3
	end_own oob oob_lives 1
}

# --- ours ---

procfile() { echo "$OCF_RESKEY_procfiles/$1.proc"; }

# prints [ADDRESS] if it has colons
in_brackets() { [[ $1 == *:* ]] && echo "[$1]" || echo "$1"; }

# endpoint ROLE PORT: prints this host's end of a connection between the two hosts
endpoint() {
	if [ "$1" = "$OCF_RESKEY_listen" ]; then
		echo "tcp-listen:$(in_brackets "$HERE"):$2,allow=$THERE"
	else
		echo "tcp:$(in_brackets "$THERE"):$2,reconnect=0.2"
	fi
}

# export_chain [ROLE]: sets the variables of Procfiles and of QEMU's command line
export_chain() {
	local role=${1:-secondary}
	export DIR=$RUN TAP=$OCF_RESKEY_tap
	export PERIOD=$OCF_RESKEY_checkpoint_period
	COPY=$(endpoint "$role" "$OCF_RESKEY_port")
	OUTPUT=$(endpoint "$role" $((OCF_RESKEY_port + 1)))
	export COPY OUTPUT
}

make_state_dirs() { mkdir -p "$1"/state/{compare,mirror,redirector,rewriter}; }

# chain_start PROCFILE: starts our processes and waits until all are ready
chain_start() {
	local role=primary
	[ "$1" != secondary ] || role=secondary
	mkdir -p "$RUN/ctl"
	make_state_dirs "$RUN"
	rm -f "$RUN/ready"
	mkfifo "$RUN/ready"
	(
		export_chain $role
		exec setsid "$OCF_RESKEY_runner" \
			--control-dir "$RUN/ctl" --notify-fd 3 "$(procfile "$1")" \
			</dev/null >>"$OCF_RESKEY_log" 2>&1 3>"$RUN/ready"
	) &
	echo $! >"$RUN/runner.pid"
	echo "$1" >"$RUN/chain"
	if ! read -r -t 15 <"$RUN/ready" || ! runner_lives; then
		ocf_exit_reason "$(procfile "$1") did not start, see $OCF_RESKEY_log"
		return 1
	fi
}

# chain_stop: held frames leave
chain_stop() { end_own runner runner_lives 15; }

# chain_kill: held frames do not leave; for when the peer goes on instead
chain_kill() {
	runner_lives || return 0
	signal_chain STOP
	signal_own runner KILL
	wait_until 5 not runner_lives
	signal_chain KILL
}
signal_chain() {
	sed -n 's/.* pid=\([0-9]*\).*/\1/p' "$RUN"/ctl/*.process |
		xargs -r kill -"$1"
} 2>/dev/null

# chain_names: prints the names of the processes
chain_names() {
	sed -n 's/^\([a-z]*\):.*/\1/p' "$(procfile "$(known chain)")"
}

# Does each process of the Procfile live, or is it being started again?
chain_is_whole() {
	local name
	while read -r name; do
		grep -qs ' pid=' "$RUN/ctl/$name.process" || return 1
	done < <(chain_names)
}

# colo-ctl is where colo-run is, or anywhere
colo_ctl() {
	local runner
	runner=$(command -v "$OCF_RESKEY_runner") || return
	PATH=${runner%/*}:$PATH colo-ctl "$@"
}

# ours NAME METHOD: asks or tells one of our processes; prints the answer
ours() { colo_ctl -t 3 -s "$RUN/ctl/$1.ctl" "$2" 2>/dev/null; }

# Each process answers when it has failed over. One that is being started again does
# not: the runner passes the signal on to it when it is ready.
chain_failover() {
	local name
	for name in $(chain_names); do
		ours "$name" failover >/dev/null || {
			signal_own runner USR2
			return
		}
	done
}

# Back to the COLO role, the comparison last: the checkpoint that it asks for comes
# when all input is mirrored. The rewriter of a chain that has one stays as it is: it
# translates connections from before a failover.
chain_protect() {
	local name
	for name in mirror redirector compare; do
		ours "$name" protect >/dev/null || return
	done
}
