/* SPDX-License-Identifier: ISC */
/*
 * Only libpcap knows its keywords. So it is asked whether a word of a filter is one:
 * `port WORD` and `port \WORD`, where the backslash says that the word is none, end with
 * the same error if it is a name, and differently if it is a keyword, a number or an
 * address. Names of ports and protocols come from files of this host.
 */
#include "frame_filter.h"

#include <ctype.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

#define WORD_MAX 256u	/* a longer one is a name that no host has */

/* One word and what stands before it. */
struct word {
	char text[WORD_MAX], before[WORD_MAX];
	bool is_escaped;	/* a backslash stands before it */
};

/* What may stand behind these is no name of a host. */
static const char *const takes_others[] = {
	"port", "portrange", "proto", "protochain", "type", "subtype", "dir",
	"direction", "ifname", "on", "ruleset", "rset", "reason", "action", NULL,
};

/* Behind these even the name of a port is one of a host. */
static const char *const takes_hosts[] = {
	"host", "net", "gateway", "src", "dst", NULL,
};

static bool is_one_of(const char *const *list, const char *word)
{
	while (*list && strcmp(*list, word) != 0)
		list++;
	return *list;
}

/* Does "PRIMITIVE WORD" make sense? Else @why says why not. */
static bool makes_sense(pcap_t *dead, const char *primitive, const char *word,
			char *why)
{
	struct bpf_program program;
	char text[WORD_MAX + 32];

	snprintf(text, sizeof(text), "%s%s", primitive, word);
	if (pcap_compile(dead, &program, text, 0, PCAP_NETMASK_UNKNOWN) < 0) {
		snprintf(why, PCAP_ERRBUF_SIZE, "%s", pcap_geterr(dead));
		return false;
	}
	pcap_freecode(&program);
	return true;
}

static bool has_letter(const char *word)
{
	while (*word && !isalpha((unsigned char)*word))
		word++;
	return *word;
}

/* Is the word of a filter the name of a host, or of a network? */
static bool is_name(pcap_t *dead, const struct word *w)
{
	char plain[PCAP_ERRBUF_SIZE] = "", escaped[PCAP_ERRBUF_SIZE] = "";
	bool is_plain, is_escaped;

	if (!has_letter(w->text) || strchr(w->text, ':') ||
	    is_one_of(takes_others, w->before))
		return false;
	if (w->is_escaped)
		return !makes_sense(dead, "ether proto \\", w->text, plain) &&
		       !makes_sense(dead, "ip proto \\", w->text, plain);
	is_plain = makes_sense(dead, "port ", w->text, plain);
	is_escaped = makes_sense(dead, "port \\", w->text, escaped);
	if (is_plain && is_escaped)
		return is_one_of(takes_hosts, w->before);
	return !is_plain && !is_escaped && !strcmp(plain, escaped);
}

static bool is_of_word(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_-.:", c));
}

/* Take the next word of @text into @w. Return: what is behind it, or NULL */
static const char *next_word(const char *text, struct word *w)
{
	size_t len = 0;

	memcpy(w->before, w->text, sizeof(w->before));
	while (*text && !is_of_word(*text))
		text++;
	if (!*text)
		return NULL;
	w->is_escaped = text[-1] == '\\';
	while (is_of_word(text[len]))
		len++;
	snprintf(w->text, sizeof(w->text), "%.*s", (int)len, text);
	return text + len;
}

/* Is there a name in a filter? Then it is in @w. */
static bool find_name(pcap_t *dead, const char *text, struct word *w)
{
	/* with something in front of the first word that can be looked at */
	char *copy = NULL;
	const char *at;
	bool is_found = false;

	if (asprintf(&copy, " %s", text) < 0)
		abort();
	at = next_word(copy, w);
	while (at && !is_found) {
		is_found = is_name(dead, w);
		if (!is_found)
			at = next_word(at, w);
	}
	free(copy);
	return is_found;
}

/**
 * frame_filter_compile() - Compile a filter
 * @program:	set; for pcap_freecode()
 * @text:	in the language of pcap-filter(7), with addresses only
 * @linktype:	libpcap's DLT_ of the frames
 * @why:	set to one line that says what is wrong with it
 * @size:	of @why, bytes
 *
 * Return: 0 or -EINVAL
 */
int frame_filter_compile(struct bpf_program *program, const char *text,
			 int linktype, char *why, size_t size)
{
	pcap_t *dead = pcap_open_dead(linktype, FRAME_LEN_MAX);
	struct word w = { 0 };
	int err = 0;

	if (!dead)
		abort();
	/* the optimizer takes a filter that can never match for an error. One may be
	 * given for frames of another link type: then it is compiled as it is */
	if (find_name(dead, text, &w)) {
		snprintf(why, size, "%.80s: \"%.80s\" is no keyword, and names "
			 "of hosts are not looked up: say addresses", text,
			 w.text);
		err = -EINVAL;
	} else if (pcap_compile(dead, program, text, 1,
				PCAP_NETMASK_UNKNOWN) < 0 &&
		   pcap_compile(dead, program, text, 0,
				PCAP_NETMASK_UNKNOWN) < 0) {
		snprintf(why, size, "%.80s: %s", text, pcap_geterr(dead));
		err = -EINVAL;
	}
	pcap_close(dead);
	return err;
}
