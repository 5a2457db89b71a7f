# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What bash proposes behind the name of one of our programs. It is loaded under
# that name, and knows no option: it asks the program for its --help. Nor does it know
# what can be asked over control sockets: colo-ctl asks the processes.
#
# A colon and an equals sign end a word for bash, and only what stands behind
# the last of them is replaced. So the word is cut from the line here.

# Each is followed by something else.
_colo_endpoints='unix: unix-listen: tcp: tcp-listen: fd: tap: packet: pcap: null: -'

# _colo_argument HELP OPTION: what HELP calls OPTION's argument, or nothing
_colo_argument() {
	sed -n "s/^  $2\(\[=\| \)\([^] ]*\)\]\{0,1\}\( .*\)\{0,1\}$/\2/p" <<<"$1"
}

# _colo_words HELP: options and commands
_colo_words() { grep -oE '^  -{0,2}[a-z][a-zA-Z0-9-]*' <<<"$1"; }

# _colo_propose CURRENT WORDS
_colo_propose() {
	mapfile -t COMPREPLY < <(compgen -W "$2" -- "$1" | sort -u)
}

_colo_files() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

_colo_endpoint() {
	case $1 in
	unix:* | unix-listen:* | pcap:*) _colo_files "${1#*:}" ;;
	tap:* | packet:*)
		_colo_propose "${1#*:}" "$(cd /sys/class/net && echo *)"
		;;
	*:*) COMPREPLY=() ;;
	*)
		compopt -o nospace 2>/dev/null
		_colo_propose "$1" "$_colo_endpoints"
		;;
	esac
}

# _colo_value CURRENT ARGUMENT: what may be the argument that --help calls so
_colo_value() {
	case $2 in
	EP) _colo_endpoint "$1" ;;
	FILE | DIR) _colo_files "$1" ;;
	*\|*) _colo_propose "$1" "${2//|/ }" ;;
	*) COMPREPLY=() ;;
	esac
}

# _colo_names METHOD KEY: the names in what the processes answer, which are followed by
# this key
_colo_names() {
	"$program" -j -t 1 "${sockets[@]}" "$1" 2>/dev/null |
		grep -oE "\"name\":\"[^\"]*\",\"$2\"" | cut -d '"' -f 4
}

# _colo_ctl PROGRAM LINE WORD: LINE is what stands before WORD
_colo_ctl() {
	local program=$1 option='' w
	local -a words sockets=() rest=()

	read -ra words <<<"$2"
	for w in "${words[@]:1}"; do
		if [ -n "$option" ]; then	# this is its argument
			[ $option = timeout ] || sockets+=(-s "$w")
			option=
			continue
		fi
		case $w in
		-s | --socket) option=socket ;;
		-t | --timeout) option=timeout ;;
		-?*) ;;
		*) rest+=("$w") ;;
		esac
	done
	COMPREPLY=()
	case $option,${#rest[@]},${rest[0]-} in
	socket,*) _colo_files "$3" ;;
	,0,) _colo_propose "$3" "$(_colo_words "$("$program" --help)"
		_colo_names methods level)" ;;
	,1,get | ,1,set) _colo_propose "$3" "$(_colo_names get value)" ;;
	,1,capture) _colo_propose "$3" "$(_colo_names links endpoint)" ;;
	esac
}

_colo() {
	local line=${COMP_LINE:0:COMP_POINT} word before help argument
	word=${line##*[[:space:]]}
	before=${line%"$word"}
	before=${before%"${before##*[![:space:]]}"}
	before=${before##*[[:space:]]}
	if [ "${1##*/}" = colo-ctl ]; then
		_colo_ctl "${1/#\~/$HOME}" "${line%"$word"}" "$word"
		return
	fi
	help=$("${1/#\~/$HOME}" --help 2>/dev/null) || return

	argument=
	[[ $before != --* ]] || argument=$(_colo_argument "$help" "$before")
	if [[ $word == --*=* ]]; then
		_colo_value "${word#*=}" \
			"$(_colo_argument "$help" "${word%%=*}")"
	elif [[ $argument == [A-Z]* || $argument == *'|'* ]] &&
		[[ $help != *"  ${before}["* ]]; then
		_colo_value "$word" "$argument"
	elif [[ ${help%%$'\n'*} == *' FILE' && $word != -* ]]; then
		_colo_files "$word"
	else
		_colo_propose "$word" "$(_colo_words "$help")"
	fi
}

complete -F _colo "${BASH_SOURCE[0]##*/}"
