# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154	# the agent sets, the others read
# The processes of one host, for the agent `colo`: QEMU, its QMP, and ours.

# --- processes by id ---

# is_own NAME WORD: does the process of NAME.pid live, with WORD among its
# arguments? The id may be anybody's by now.
is_own() {
	local pid
	pid=$(cat "$RUN/$1.pid" 2>/dev/null) && [ -n "$pid" ] &&
		tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" |
		grep -qxF -- "$2"
}
qemu_lives() { is_own qemu "$RUN/qemu.pid"; }
runner_lives() { is_own runner "$RUN/pids"; }

signal_own() { kill -"$2" "$(cat "$RUN/$1.pid")" 2>/dev/null; }

# seconds_left: of this action, with a little to spare for its end
seconds_left() {
	echo $((${OCF_RESKEY_CRM_meta_timeout:-20000} / 1000 - 3 -
		(SECONDS - BEGAN)))
}

# wait_until SECONDS COMMAND...
wait_until() {
	local end=$((SECONDS + $1))
	until "${@:2}"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}
not() { ! "$@"; }

# end_own NAME TEST SECONDS: SIGTERM, and SIGKILL when that was not enough
end_own() {
	"$2" || return 0
	signal_own "$1" TERM
	wait_until "$3" not "$2" && return
	ocf_log warn "$1 does not stop: killed"
	signal_own "$1" KILL
	wait_until 5 not "$2"
}

# --- QMP ---

# qmp_open: a session; a QMP socket serves one at a time
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

# qmp_line VARIABLE [SECONDS]
qmp_line() {
	IFS= read -r -t "${2:-$OCF_RESKEY_qmp_timeout}" -u "$QMP_IN" "$1"
}

# qmp COMMAND [ARGUMENTS]: QMP_ANSWER is what it returns; events that come
# meanwhile are kept. Status 1: refused, 2: no answer.
qmp() {
	local line
	printf '{"execute":"%s"%s}\n' "$1" "${2:+,\"arguments\":$2}" \
		>&"$QMP_OUT" || return 2
	while qmp_line line; do
		case $(jq -r 'keys_unsorted[]' <<<"$line" 2>/dev/null) in
		*event*) QMP_EVENTS+=$line$'\n' ;;
		*return*) QMP_ANSWER=$(jq -c .return <<<"$line") && return ;;
		*error*)
			ocf_log info "QMP: $1: $(jq -r .error.desc <<<"$line")"
			return 1
			;;
		esac
	done
	ocf_log warn "QMP: $1: no answer"
	return 2
}

# qmp_event NAME SECONDS: since the session began
qmp_event() {
	local line end=$((SECONDS + $2))
	until [[ $QMP_EVENTS == *"\"event\": \"$1\""* ]]; do
		[ $SECONDS -lt $end ] || return 1
		! qmp_line line 1 || QMP_EVENTS+=$line$'\n'
	done
}

# qmp_ask COMMAND FILTER: one question, the answer through jq
qmp_ask() { qmp "$1" && jq -r "$2" <<<"$QMP_ANSWER"; }

# in_session COMMAND...
in_session() {
	local status
	qmp_open && "$@"
	status=$?
	qmp_close
	return $status
}

answers() { in_session true; }

# one command, in a session of its own
execute() { in_session qmp "$@"; }

# --- QMP out of band ---

# In the middle of a checkpoint QEMU may wait for the other one, and then it takes
# no session. It still hears exec-oob on a connection that was made before: what
# goes into the pipe `oob` is for QEMU, what QEMU says is in `said`.
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

# oob_tell MEMBERS: of a command; status 1 when QEMU does not answer in time
oob_tell() {
	[ -p "$RUN/oob" ] || return
	OOB_ID=$BASHPID-$((++OOB_COUNT))
	echo "{$1,\"id\":\"$OOB_ID\"}" 1<>"$RUN/oob"
	wait_until "$OCF_RESKEY_qmp_timeout" \
		grep -qF "\"id\": \"$OOB_ID\"" "$RUN/said"
}

# Is QEMU there, though it takes no session?
oob_answers() { oob_tell '"exec-oob":"query-yank"'; }

# migration_cut: QEMU's end of the link, as if the other one had closed it
migration_cut() {
	oob_tell '"exec-oob":"yank","arguments":{"instances":[{"type":"migration"}]}' ||
		ocf_log warn "QEMU hears nothing out of band"
}

# --- QEMU ---

# qemu_start ROLE: until it answers
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

# One that has failed is not asked; a primary that hung must not wake up again.
qemu_stop() {
	! qemu_lives || [ ! -e "$RUN/failed" ] || signal_own qemu KILL
	end_own qemu qemu_lives 3
	end_own oob oob_lives 1
}

# --- ours ---

procfile() { echo "$OCF_RESKEY_procfiles/$1.proc"; }

# [ADDRESS] where it has colons
in_brackets() { [[ $1 == *:* ]] && echo "[$1]" || echo "$1"; }

# endpoint ROLE PORT: this host's end of a connection between the two
endpoint() {
	local peer_address
	peer_address=$(address_of "$(peer_node)")
	if [ "$1" = "$OCF_RESKEY_listen" ]; then
		echo "tcp-listen:$(in_brackets "$(here)"):$2,allow=$peer_address"
	else
		echo "tcp:$(in_brackets "$peer_address"):$2,reconnect=0.2"
	fi
}

# export_chain [ROLE]: the variables of Procfiles and of QEMU's command line
export_chain() {
	local role=${1:-secondary}
	export DIR=$RUN TAP=$OCF_RESKEY_tap
	export PERIOD=$OCF_RESKEY_checkpoint_period
	COPY=$(endpoint "$role" "$OCF_RESKEY_port")
	OUTPUT=$(endpoint "$role" $((OCF_RESKEY_port + 1)))
	export COPY OUTPUT
}

# chain_start PROCFILE: until all are ready
chain_start() {
	local role=primary
	[ "$1" != secondary ] || role=secondary
	mkdir -p "$RUN/pids" "$RUN"/state/{compare,mirror,redirector,rewriter}
	touch "$OCF_RESKEY_log"
	echo $(($(stat -c %s "$OCF_RESKEY_log") + 1)) >"$RUN/log_start"
	rm -f "$RUN/ready"
	mkfifo "$RUN/ready"
	(
		export_chain $role
		exec setsid "$OCF_RESKEY_runner" --pid-dir "$RUN/pids" \
			--notify-fd 3 "$(procfile "$1")" \
			</dev/null >>"$OCF_RESKEY_log" 2>&1 3>"$RUN/ready"
	) &
	echo $! >"$RUN/runner.pid"
	echo "$1" >"$RUN/chain"
	if ! read -r -t 15 <"$RUN/ready" || ! runner_lives; then
		ocf_exit_reason "$(procfile "$1") did not start, see $OCF_RESKEY_log"
		return 1
	fi
}

# chain_stop: what was held leaves
chain_stop() { end_own runner runner_lives 15; }

# chain_kill: what was held does not leave; for when the peer goes on instead
chain_kill() {
	runner_lives || return 0
	signal_chain STOP
	signal_own runner KILL
	wait_until 5 not runner_lives
	signal_chain KILL
}
signal_chain() { cat "$RUN"/pids/*.pid | xargs -r kill -"$1"; } 2>/dev/null

# Everybody of the Procfile lives, or is being started again.
chain_is_whole() {
	local name
	while read -r name; do
		[ -e "$RUN/pids/$name.pid" ] || return 1
	done < <(sed -n 's/^\([a-z]*\):.*/\1/p' "$(procfile "$(known chain)")")
}
