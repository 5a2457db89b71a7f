# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154,SC2034	# the agent sets, the others read
# One instance of the pair: the actions of the agent. `colo` says what the files are
# that an instance keeps.

readonly SCORE_FRESH=1 SCORE_SYNCED=100 SCORE_PRIMARY=1000

known() { cat "$RUN/$1" 2>/dev/null; }
is_role() { [ "$(known role)" = "$1" ]; }
is_linked() { [ "$(known link)" = colo ]; }
set_known() { echo "$2" >"$RUN/$1"; }

is_running() { qemu_lives && runner_lives; }

# --- from nothing, and back ---

# instance_start ROLE
instance_start() {
	rm -rf "$RUN"
	mkdir -p "${RUN%/*}" && mkdir -m 700 "$RUN"	# new: nobody else's
	set_known role "$1"
	qemu_start "$1" && chain_start "$1"
}

secondary_start() {
	instance_start secondary && in_session listen_for_primary || return
	score $SCORE_FRESH
	return "$OCF_SUCCESS"
}

listen_for_primary() {
	colo_capability &&
		qmp migrate-incoming "{\"uri\":\"$(migration_uri "$HERE")\"}"
}

colo_capability() {
	qmp migrate-set-capabilities \
		'{"capabilities":[{"capability":"x-colo","state":true}]}'
}

migration_uri() {
	echo "tcp:$(in_brackets "$1"):$((OCF_RESKEY_port + 2))"
}

# When the peer has the guest's state and goes on, nothing may leave here that the peer
# has not sent too; otherwise held frames leave.
instance_stop() {
	score_none
	if is_role primary && all_stop; then
		guest_shutdown
	elif [ -e "$RUN/synced" ]; then
		chain_kill
	fi
	chain_stop
	qemu_stop
	if qemu_lives || runner_lives; then
		ocf_exit_reason "there are processes that cannot be killed"
		return "$OCF_ERR_GENERIC"
	fi
	rm -rf "$RUN"
}

guest_shutdown() {
	[ "$OCF_RESKEY_shutdown_timeout" -gt 0 ] &&
		execute system_powerdown &&
		wait_until "$OCF_RESKEY_shutdown_timeout" not qemu_lives
}

# --- a primary and its secondary ---

# colo_go_on: in a QMP session, takes one step towards a secondary that may take over.
# No step waits long: while an action runs, the cluster can do nothing else here.
colo_go_on() {
	case $(qmp_ask query-migrate '.status // "none"') in
	setup | active | device | pre-switchover | cancelling) ;;
	colo) colo_compare ;;
	*) ! guest_is_ready || colo_begin ;;
	esac
}

colo_begin() {
	ocf_log info "COLO begins, with $(known peer)"
	colo_capability && qmp migrate-set-parameters \
		"{\"x-checkpoint-delay\":$OCF_RESKEY_checkpoint_period}" &&
		qmp migrate "{\"uri\":\"$(migration_uri "$THERE")\"}"
}

# After a failover the guest has booted already, on the other node.
guest_is_ready() {
	has_failed_over || (export_chain; exec sh -c "$OCF_RESKEY_guest_ready")
}
has_failed_over() { [ -e "$RUN/state/rewriter/ROLE" ]; }

is_migrating() {
	[[ $(qmp_ask query-migrate .status) =~ ^(setup|active|device)$ ]]
}

# As colo_go_on; with a small guest the next step is taken at once, too.
colo_go_far() { colo_go_on && wait_until 5 not is_migrating && colo_go_on; }

# colo_compare: in a QMP session. The guest is in COLO and its output passes; from now
# on it is compared. Output from before may differ, so only after the next checkpoint
# is the secondary a copy that may take over.
colo_compare() {
	if ! is_linked; then
		chain_compare || return
		set_known link colo
	fi
	QMP_EVENTS=
	qmp migrate-set-parameters \
		"{\"x-checkpoint-delay\":$OCF_RESKEY_checkpoint_period}" &&
		qmp_event RESUME 10 || return
	score_peer "$(known peer)" $SCORE_SYNCED || return
	touch "$RUN/synced"
	ocf_log info "$(known peer) has the guest's state"
}

# chain_compare: our processes mirror and compare from now on. Those that have been a
# primary's go back to it; a secondary's make place for a primary's.
chain_compare() {
	if [ "$(known chain)" = "$(primary_chain)" ] && chain_protect; then
		return
	fi
	chain_stop
	rm -rf "$RUN"/state/{compare,mirror,redirector}
	chain_start "$(primary_chain)"
}

# After a failover, connections from before it are translated until they end.
primary_chain() {
	has_failed_over && echo resumed || echo primary
}

# go_alone: the secondary is stopped or fenced
go_alone() {
	rm -f "$RUN/peer"
	if ! is_linked; then
		execute migrate_cancel
		return
	fi
	is_safe_alone || return
	ocf_log info "$PEER is gone: the guest goes on alone"
	rm -f "$RUN/synced"
	migration_cut
	execute x-colo-lost-heartbeat
	chain_failover && set_known link alone
}

# QEMU may be in a state in which it does not answer; colo-compare knows.
colo_exited() { [[ $(ours compare status) == *': QEMU is not in COLO' ]]; }

# The link or the secondary is broken, and as far as the cluster knows both nodes are
# well. The primary reports it: a secondary that called itself failed might be all that
# is left.
report_peer() {
	ocf_log warn "COLO has ended; $(known peer) is reported as failed"
	crm_resource -F -r "$RESOURCE" -N "$(known peer)" >/dev/null 2>&1
}

# --- actions ---

pair_start() {
	local state
	if [ -e "$RUN/role" ] && is_running; then
		return "$OCF_SUCCESS"
	fi
	state=$(cluster_state)
	if [ -n "$state" ] && ! stonith_is_on "$state"; then
		ocf_exit_reason "stonith-enabled must be true"
		return "$OCF_ERR_CONFIGURED"
	fi
	instance_stop && secondary_start || return "$OCF_ERR_GENERIC"
}

pair_stop() { instance_stop; }

pair_promote() {
	local state=loaded
	! is_role primary || return "$OCF_SUCCESS"
	is_role secondary || return "$OCF_NOT_RUNNING"
	# QEMU may be in a state in which it does not answer
	[ -e "$RUN/loaded" ] || state=$(guest_state) || {
		ocf_exit_reason "QEMU does not answer"
		return "$OCF_ERR_GENERIC"
	}
	if [ "$state" = inmigrate ]; then
		boot
	else
		failover
	fi || return "$OCF_ERR_GENERIC"
	set_known link alone
	set_known role primary
	score $SCORE_PRIMARY
	return "$OCF_SUCCESS"
}

# Boots the guest, if no other instance has its state. Without a cluster somebody runs
# the agent by hand, and has to know.
boot() {
	[ -z "$(cluster_state)" ] || is_safe_alone || return
	if [ "$(score_of "$PEER")" = $SCORE_SYNCED ]; then
		ocf_exit_reason "$PEER has the guest's state"
		return 1
	fi
	ocf_log info "the guest boots"
	instance_stop && instance_start primary && chain_failover
}

failover() {
	is_safe_alone || return
	ocf_log info "failover"
	migration_cut
	execute x-colo-lost-heartbeat
	chain_failover &&
		wait_until "$(seconds_left)" in_session guest_runs
}

guest_runs() {
	[ "$(qmp_ask query-colo-status .mode)" = none ] &&
		[ "$(qmp_ask query-status .running)" = true ]
}

pair_demote() {
	if ! is_role primary; then
		is_role secondary || return "$OCF_NOT_RUNNING"
		return "$OCF_SUCCESS"
	fi
	if [ -e "$RUN/failed" ]; then
		demote_failed
	else
		instance_stop && secondary_start
	fi || return "$OCF_ERR_GENERIC"
}

# The other instance's promotion waits for this: a QEMU that has failed is only ended,
# and monitor reports the failure again.
demote_failed() {
	instance_stop && mkdir -p "$RUN" && touch "$RUN/failed" &&
		set_known role secondary
}

pair_notify() {
	is_role primary || return "$OCF_SUCCESS"
	case $(printf '%s-%s' "${OCF_RESKEY_CRM_meta_notify_type-}" \
		"${OCF_RESKEY_CRM_meta_notify_operation-}") in
	post-stop)
		! peer_stops || go_alone
		;;
	post-start | post-promote)
		peer_is_active || return "$OCF_SUCCESS"
		if words_of start_uname | grep -qxF "$PEER"; then
			go_alone
		fi
		set_known peer "$PEER"
		is_linked || in_session colo_go_far
		;;
	esac
	return "$OCF_SUCCESS"
}

# --- monitor ---

pair_monitor() {
	local state
	if [ ! -e "$RUN/role" ]; then
		return "$OCF_NOT_RUNNING"
	elif ! qemu_lives; then
		has_failed "QEMU is dead"
	elif ! runner_lives; then
		has_failed "colo-run is dead"
	elif ! state=$(guest_state); then
		has_failed "QEMU does not answer"
	elif [[ $state =~ ^(internal-error|io-error|shutdown|guest-panicked)$ ]]; then
		has_failed "the guest's state is $state"
	else
		ocf_is_probe || instance_go_on "$state"
		how_well
	fi
}

# has_failed WHY: this instance has failed; the other one is the better primary
has_failed() {
	touch "$RUN/failed"
	ocf_is_probe || score_none
	ocf_exit_reason "$1"
	is_role secondary && return "$OCF_ERR_GENERIC"
	return "$OCF_FAILED_PROMOTED"
}

# guest_state: prints QEMU's word for it, which is `colo` in a checkpoint. There QEMU may
# wait for the other QEMU, and not answer until the link is cut.
guest_state() {
	in_session qmp_ask query-status .status && return
	[ ! -e "$RUN/cut" ] && oob_answers && echo colo
}

# instance_go_on STATE
instance_go_on() {
	oob_lives || oob_open
	[ "$1" = inmigrate ] || touch "$RUN/loaded"
	if [ "$1" = colo ]; then
		checkpoint_go_on
	else
		rm -f "$RUN/stands" "$RUN/cut"
		: >"$RUN/said"
	fi
	! is_role primary || primary_go_on
}

# Is it still the checkpoint that was seen before? Then the other host hangs although
# the cluster takes it for well, and this one must not wait for ever.
checkpoint_go_on() {
	local now
	now=$(cut -d. -f1 /proc/uptime)
	if [ ! -e "$RUN/stands" ] || grep -q '"event": "RESUME"' "$RUN/said"; then
		set_known stands "$now"
		: >"$RUN/said"
	elif [ ! -e "$RUN/cut" ] && [ $((now - $(known stands))) -ge \
		"$OCF_RESKEY_checkpoint_timeout" ]; then
		ocf_log warn "the checkpoint does not come to an end: COLO is ended"
		touch "$RUN/cut"
		migration_cut
	fi
}

primary_go_on() {
	if ! is_linked; then
		[ ! -e "$RUN/peer" ] || in_session colo_go_on
	elif ! colo_exited; then
		[ -e "$RUN/synced" ] || in_session colo_compare
	elif [ ! -e "$RUN/peer" ]; then
		go_alone
	else
		report_peer
	fi
}

how_well() {
	local whole=true
	ocf_is_probe || chain_is_whole || whole=false
	if is_role primary; then
		$whole || return "$OCF_DEGRADED_PROMOTED"
		return "$OCF_RUNNING_PROMOTED"
	fi
	$whole || return "$OCF_DEGRADED"
	return "$OCF_SUCCESS"
}
