# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154,SC2034	# the agent sets, the others read
# What the agent `colo` asks the cluster and tells the cluster.

# --- the two nodes ---

# know_nodes: sets NODE, this node, and PEER, the other one, with HERE and THERE, their
# addresses on the link. Without Pacemaker nobody names this node, and to ask takes up
# to a second on a busy host: so it is asked once. Status 1: there are not two.
know_nodes() {
	local entry entries name address n=0
	local -r form='^[[:space:]]*([^:[:space:]]+):(.*[^[:space:]])[[:space:]]*$'
	NODE=${OCF_RESKEY_CRM_meta_on_node:-$(ocf_local_nodename 2>/dev/null)}
	NODE=${NODE:-$(uname -n)} HERE='' PEER='' THERE=''
	IFS=';' read -ra entries <<<"${OCF_RESKEY_node_addresses//$'\n'/;}"
	for entry in "${entries[@]}"; do
		[[ $entry =~ $form ]] || continue
		name=${BASH_REMATCH[1]} address=${BASH_REMATCH[2]}
		n=$((n + 1))
		if [ "$name" = "$NODE" ]; then
			HERE=$address
		else
			PEER=$name THERE=$address
		fi
	done
	[ $n -eq 2 ] && [ -n "$HERE" ] && [ -n "$PEER" ]
}

# --- promotion scores ---

# Under ocf-tester there is no cluster, and nobody to tell.
score() { ocf_promotion_score -v "$1" -Q 2>/dev/null; }
score_none() { ocf_promotion_score -D -Q 2>/dev/null; }

# score_peer NODE SCORE: sets the promotion score of the instance there
score_peer() {
	crm_attribute -q -l reboot -N "$1" -n "master-$RESOURCE" -v "$2" \
		2>/dev/null
}
score_of() {
	crm_attribute -q -l reboot -N "$1" -n "master-$RESOURCE" -G 2>/dev/null
}

# --- may this instance go on alone? ---

# cluster_state: prints the scheduler's view of the cluster, as XML with a tag on each
# line; nothing when there is no cluster
cluster_state() {
	local state
	! state=$(crm_mon -1 --output-as=xml 2>/dev/null) || echo "$state"
}

# stonith_is_on STATE
stonith_is_on() { grep -q '<cluster_options stonith-enabled="true"' <<<"$1"; }

# is_clean NODE STATE: it is not one that was lost and is not fenced yet
is_clean() { grep -q "<node name=\"$1\" .* unclean=\"false\"" <<<"$2"; }

# is_promoted_on NODE STATE
is_promoted_on() {
	grep -A1 -E "<resource id=\"$RESOURCE\" .* role=\"(Promoted|Master)\"" \
		<<<"$2" | grep -q "<node name=\"$1\""
}

# Pacemaker sees to all this before it promotes an instance or reports that one has
# stopped. The agent asks again because an error would mean two primaries: fencing may
# be switched off, or somebody may run the agent by hand.
is_safe_alone() {
	local state
	state=$(cluster_state)
	if ! stonith_is_on "$state"; then
		ocf_exit_reason "without fencing (stonith-enabled) nobody knows that $PEER is dead"
	elif ! is_clean "$PEER" "$state"; then
		ocf_exit_reason "$PEER is not fenced yet"
	elif is_promoted_on "$PEER" "$state"; then
		ocf_exit_reason "$PEER is the primary"
	else
		return "$OCF_SUCCESS"
	fi
	return "$OCF_ERR_GENERIC"
}

# --- notifications ---

# words_of VARIABLE...: prints the node names in these variables of a notification
words_of() {
	local name
	for name; do
		name=OCF_RESKEY_CRM_meta_notify_$name
		tr ' ' '\n' <<<"${!name-}"
	done | sed '/^$/d'
}

# Will the peer have an instance when this step of the transition is done?
peer_is_active() {
	words_of start_uname | grep -qxF "$PEER" || {
		words_of active_uname promoted_uname master_uname \
			unpromoted_uname slave_uname | grep -qxF "$PEER" &&
			! peer_stops
	}
}
peer_stops() { words_of stop_uname | grep -qxF "$PEER"; }

# Does this instance stop, and will no other one take over?
all_stop() {
	! words_of promote_uname | grep -qxF "$PEER" &&
		words_of stop_uname | grep -qxF "$NODE" &&
		! peer_is_active
}
