/* SPDX-License-Identifier: ISC */
/* The scheduler as a whole, row by row. */
#include <unistd.h>

#include "schedule_kit.h"

static char dir[] = "/tmp/schedule-test-XXXXXX";

/* --- what may begin a connection, row by row --- */

static void a_truncated_header_is_dropped(void)
{
	begin(SERVICE);
	segment(5000, SYN, false);
	frame.len -= 7;
	IS_DROPPED(from_net(), SCHEDULE_SHORT);
	datagram(5000, false);
	frame.len -= 1;
	IS_DROPPED(from_net(), SCHEDULE_SHORT);
	query(8, 7, false);
	frame.len -= 5;
	IS_DROPPED(from_net(), SCHEDULE_SHORT);
	CHECK_EQ(flow_count(schedule_conns(s)->flows), 0);
}

static void an_unknown_ack_to_a_service_passes_or_is_dropped(void)
{
	begin(SERVICE);
	IS(in(5000, ACK), SCHEDULE_TO_DEST, SCHEDULE_UNKNOWN, A);
	CHECK(!conn_of(5000));
	config.unknown_drop = true;
	begin_with(SERVICE);
	IS_DROPPED(in(5000, ACK), SCHEDULE_STRAY);
	IS_DROPPED(out(5000, ACK, A), SCHEDULE_STRAY);
}

static void no_segment_but_a_pure_syn_schedules(void)
{
	static const uint8_t flags[] = { SYN | ACK, FIN, RST, 0, SYN | RST,
					 SYN | FIN, ACK | FIN };

	begin(SERVICE);
	for (unsigned i = 0; i < sizeof(flags); i++) {
		CHECK_EQ(in(5000, flags[i]).reason, SCHEDULE_UNKNOWN);
		CHECK(!conn_of(5000));
	}
	IS(in(5000, SYN | TCP_PSH | TCP_URG | 0xc0), SCHEDULE_TO_DEST,
	   SCHEDULE_NEW, C);
	config.unknown_drop = true;
	begin_with("tcp:10.0.0.2:81");		/* and to no service */
	for (unsigned i = 0; i < sizeof(flags); i++)
		IS_DROPPED(in(5000, flags[i]), SCHEDULE_STRAY);
	IS_DROPPED(in(5000, ACK), SCHEDULE_STRAY);
}

static void a_syn_to_no_service_passes(void)
{
	begin("tcp:10.0.0.2:81");
	IS(in(5000, SYN), SCHEDULE_TO_DEST, SCHEDULE_NO_SERVICE, A);
	CHECK(!conn_of(5000));
	config.unscheduled = SCHEDULE_UN_DROP;
	begin_with("tcp:10.0.0.2:81");
	IS_DROPPED(in(5000, SYN), SCHEDULE_UNSCHEDULED);
}

static void a_syn_without_a_destination_is_dropped(void)
{
	begin(SERVICE);
	for (uint16_t i = 0; i < 3; i++)
		schedule_set_weight(s, i, 0);
	IS_DROPPED(in(5000, SYN), SCHEDULE_NO_DEST);
	CHECK_EQ(schedule_count(s, SCHEDULE_NO_DEST), 1);
}

static void a_full_table_drops_and_counts(void)
{
	begin(SERVICE);
	config.max_conns = 2;
	begin_with(SERVICE);
	serve(UDP_SERVICE);
	open_conn(1, C);
	open_conn(2, B);
	IS_DROPPED(in(3, SYN), SCHEDULE_TABLE_FULL);
	datagram(3, false);
	IS_DROPPED(from_net(), SCHEDULE_TABLE_FULL);
	CHECK_EQ(dest(A)->n_pending + dest(A)->conns, 0);
	IS(in(1, ACK), SCHEDULE_TO_DEST, SCHEDULE_ORDINARY, C);
}

static void a_new_connection_is_counted_and_stays(void)
{
	begin(SERVICE);
	open_conn(5000, C);
	open_conn(5001, B);
	IS(in(5000, ACK), SCHEDULE_TO_DEST, SCHEDULE_ORDINARY, C);
	IS(out(5000, ACK, C), SCHEDULE_TO_NET, SCHEDULE_ORDINARY, 0);
	CHECK_EQ(dest(C)->n_active, 1);
	CHECK_EQ(dest(C)->conns, 1);
	CHECK_EQ(dest(C)->in_frames, 3);
	CHECK_EQ(dest(C)->out_frames, 2);
}

static void any_datagram_schedules(void)
{
	begin(UDP_SERVICE);
	datagram(5000, false);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NEW, C);
	datagram(5001, false);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NEW, B);
	datagram(5000, true);
	IS(from_dest(C), SCHEDULE_TO_NET, SCHEDULE_ORDINARY, 0);
	IS_DROPPED(from_dest(B), SCHEDULE_CLASH);
	CHECK_EQ(dest(C)->n_inactive, 1);
}

static void a_datagram_to_no_service_passes(void)
{
	begin("udp:10.0.0.2:54");
	datagram(5000, false);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NO_SERVICE, A);
	CHECK_EQ(flow_count(schedule_conns(s)->flows), 0);
}

static void a_datagram_without_a_destination_is_dropped(void)
{
	begin(UDP_SERVICE);
	for (uint16_t i = 0; i < 3; i++)
		schedule_set_up(s, i, false, now);
	datagram(5000, false);
	IS_DROPPED(from_net(), SCHEDULE_NO_DEST);
	CHECK_EQ(flow_count(schedule_conns(s)->flows), 0);
}

static const struct conn *only_conn(void)
{
	const struct conn *c = conn_at(schedule_conns(s), 0);

	CHECK(c);
	CHECK_EQ(flow_count(schedule_conns(s)->flows), 1);
	return c;
}

static void a_datagram_is_one_way_until_it_is_answered(void)
{
	begin(UDP_SERVICE);
	schedule_set_timeout(s, STATE_UDP_ONE_WAY, 5);
	datagram(5000, false);
	from_net();
	from_net();
	CHECK_EQ(only_conn()->state, STATE_UDP_ONE_WAY);
	datagram(5000, true);
	from_dest(C);
	CHECK_EQ(only_conn()->state, STATE_UDP);
	schedule_expire(s, now += 200 * S);
	CHECK_EQ(only_conn()->state, STATE_UDP);
	begin(UDP_SERVICE);
	schedule_set_timeout(s, STATE_UDP_ONE_WAY, 5);
	datagram(5000, false);
	from_net();
	schedule_expire(s, now += 7 * S);
	CHECK_EQ(flow_count(schedule_conns(s)->flows), 0);
}

static void one_packet_schedules_each_datagram(void)
{
	begin(UDP_SERVICE ",one-packet");
	datagram(5000, false);
	CHECK_EQ(from_net().dest, C);
	CHECK_EQ(from_net().dest, B);
	CHECK_EQ(from_net().dest, A);
	datagram(5000, true);
	IS(from_dest(B), SCHEDULE_TO_NET, SCHEDULE_ORDINARY, 0);
	CHECK_EQ(dest(A)->n_inactive + dest(B)->n_inactive, 0);
}

static void other_protocols_are_unscheduled(void)
{
	begin(SERVICE);
	craft_ether(&frame, 0x0800);
	craft_ipv4(&frame, 47, 0, 8);
	craft_bytes(&frame, 8);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NO_SERVICE, A);
	craft_ether(&frame, 0x88cc);
	craft_bytes(&frame, 50);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NOT_IP, A);
	config.unscheduled = SCHEDULE_UN_FLOOD;
	begin_with(SERVICE);
	IS(from_net(), SCHEDULE_FLOOD, SCHEDULE_NOT_IP, 0);
	config.unscheduled = SCHEDULE_UN_DROP;
	begin_with(SERVICE);
	IS_DROPPED(from_net(), SCHEDULE_UNSCHEDULED);
}

static void a_port_of_zero_is_any_port(void)
{
	begin("tcp:10.0.0.2:0,scheduler=rr");
	serve("tcp:10.0.0.2:80,scheduler=fo");
	schedule_set_weight(s, B, 2);
	CHECK_EQ(in(5000, SYN).dest, B);
	segment(5000, SYN, false);
	bytes_put16(frame.b + 36, 8080);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NEW, C);
}

/* --- ICMP --- */

static void icmp_queries_have_pseudo_ports(void)
{
	begin("icmp:10.0.0.2,scheduler=rr");
	query(8, 7, false);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NEW, C);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_ORDINARY, C);
	query(13, 7, false);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NEW, B);
	query(0, 7, true);
	IS(from_dest(C), SCHEDULE_TO_NET, SCHEDULE_ORDINARY, 0);
	IS_DROPPED(from_dest(B), SCHEDULE_WRONG_DEST);
	query(14, 7, true);
	IS(from_dest(B), SCHEDULE_TO_NET, SCHEDULE_ORDINARY, 0);
	query(8, 7, true);		/* the guest's own, with the same id */
	IS(from_dest(A), SCHEDULE_TO_NET, SCHEDULE_NEW, 0);
	query(0, 7, false);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_ORDINARY, A);
	query(0, 8, false);		/* a reply to nothing begins nothing */
	CHECK_EQ(from_net().reason, SCHEDULE_UNKNOWN);
}

static void queries_of_icmp6_have_pseudo_ports(void)
{
	uint8_t *ip, *icmp;

	begin("icmp:[fd00::2],scheduler=rr");
	craft_ether(&frame, 0x86dd);
	ip = craft_ipv6(&frame, 58, 8);
	icmp = craft_bytes(&frame, 8);
	icmp[0] = 128;
	bytes_put16(icmp + 4, 7);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NEW, C);
	bytes_put16(icmp + 4, 8);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NEW, B);
	ip[23] = 2;
	ip[39] = 1;
	icmp[0] = 129;
	IS(from_dest(B), SCHEDULE_TO_NET, SCHEDULE_ORDINARY, 0);
	IS_DROPPED(from_dest(C), SCHEDULE_WRONG_DEST);
}

/* Gives an error of ICMP its checksum. */
static void seal(void)
{
	bool v6 = frame.b[12] == 0x86;
	uint8_t *ip = frame.b + 14, *icmp = ip + (v6 ? 40 : 20);
	size_t len = frame.len - (size_t)(icmp - frame.b);
	uint32_t sum = v6 ? checksum_pseudo(6, ip + 8, ip + 24, 58,
					    (uint32_t)len) : 0;

	bytes_put16(icmp + 2, 0);
	bytes_put16(icmp + 2, checksum_fold(checksum_add(sum, icmp, len)));
}

static void errors_of_icmp6_follow_their_connection(void)
{
	uint8_t *tcp, *outer, *inner;

	begin("tcp:[fd00::2]:80,scheduler=rr");
	craft_ether(&frame, 0x86dd);
	craft_ipv6(&frame, 6, 20);
	tcp = craft_tcp(&frame, SYN, 0);
	bytes_put16(tcp, 5000);
	bytes_put16(tcp + 2, 80);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NEW, C);
	craft_ether(&frame, 0x86dd);
	craft_ipv6(&frame, 58, 8 + 48);
	outer = craft_bytes(&frame, 8);
	inner = craft_ipv6(&frame, 6, 20);
	inner[23] = 2;
	inner[39] = 1;
	tcp = craft_bytes(&frame, 8);
	bytes_put16(tcp, 80);
	bytes_put16(tcp + 2, 5000);
	for (uint8_t type = 1; type <= 3; type++) {
		outer[0] = type;
		seal();
		IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_RELATED, C);
	}
	outer[3] ^= 1;
	IS_DROPPED(from_net(), SCHEDULE_ICMP_SUM);
	bytes_put16(tcp + 2, 5001);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NO_SERVICE, A);
}

static void a_query_without_a_destination_is_dropped(void)
{
	begin("icmp:10.0.0.2");
	for (uint16_t i = 0; i < 3; i++)
		schedule_set_weight(s, i, 0);
	query(8, 7, false);
	IS_DROPPED(from_net(), SCHEDULE_NO_DEST);
	CHECK_EQ(flow_count(schedule_conns(s)->flows), 0);
}

static void a_query_to_no_service_passes(void)
{
	begin(SERVICE);
	query(8, 7, false);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NO_SERVICE, A);
	CHECK_EQ(flow_count(schedule_conns(s)->flows), 0);
}

/* An error about a segment from the guest to the client, or the reverse. */
static void error_about(uint16_t port, bool from_guest, uint8_t type)
{
	uint8_t *ip, *inner;

	craft_ether(&frame, 0x0800);
	ip = craft_ipv4(&frame, 1, 0, 8 + 28);
	memcpy(ip + 12, "\x0a\0\0\x09\x0a\0\0\2", 8);
	craft_bytes(&frame, 8)[0] = type;
	inner = craft_ipv4(&frame, 6, 0, 20);
	if (from_guest)
		memcpy(inner + 12, "\x0a\0\0\2\x0a\0\0\1", 8);
	inner = craft_bytes(&frame, 8);
	bytes_put16(inner, from_guest ? 80 : port);
	bytes_put16(inner + 2, from_guest ? port : 80);
	seal();
}

/* Bytes that were changed on the way may be those that say whose it is. */
static void an_error_with_a_wrong_checksum_is_dropped(void)
{
	begin(SERVICE);
	open_conn(5000, C);
	error_about(5000, true, 3);
	frame.b[frame.len - 1] ^= 1;
	IS_DROPPED(from_net(), SCHEDULE_ICMP_SUM);
	frame.b[frame.len - 1] ^= 1;
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_RELATED, C);
	error_about(5002, true, 3);		/* of no connection: not ours */
	frame.b[frame.len - 1] ^= 1;
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NO_SERVICE, A);
	/* a fragment's and a cut one's cannot be told */
	error_about(5000, true, 3);
	frame.b[36] ^= 1;
	bytes_put16(frame.b + 20, 0x2000);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_RELATED, C);
	bytes_put16(frame.b + 20, 0);
	bytes_put16(frame.b + 16, (uint16_t)(frame.len - 14 + 8));
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_RELATED, C);
}

static void icmp_errors_follow_their_connection(void)
{
	uint64_t deadline;

	begin(SERVICE);
	open_conn(5000, C);
	open_conn(5001, B);
	deadline = conn_of(5001)->deadline_ns;
	now += 2 * S;
	error_about(5001, true, 3);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_RELATED, B);
	error_about(5000, true, 11);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_RELATED, C);
	CHECK_EQ(conn_of(5001)->deadline_ns, deadline);
	error_about(5002, true, 3);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NO_SERVICE, A);
	error_about(5001, false, 3);
	IS(from_dest(B), SCHEDULE_TO_NET, SCHEDULE_RELATED, 0);
	frame.len -= 20;			/* nothing of a header is quoted */
	bytes_put16(frame.b + 16, (uint16_t)(frame.len - 14));
	CHECK_EQ(from_net().reason, SCHEDULE_NO_SERVICE);
}

/* What is quoted of a later fragment has no ports. */
static void errors_about_later_fragments_follow_nobody(void)
{
	begin(SERVICE);
	open_conn(5000, C);
	error_about(5000, true, 3);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_RELATED, C);
	bytes_put16(frame.b + 14 + 20 + 8 + 6, 100);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NO_SERVICE, A);
}

/* --- fragments --- */

static void fragments_follow_their_first_one(void)
{
	begin(UDP_SERVICE);
	fragment(1, 70, 1480, false);
	IS_DROPPED(from_net(), SCHEDULE_ORPHAN);
	fragment(1, 70, 0, true);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NEW, C);
	fragment(1, 71, 0, true);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_ORDINARY, C);
	fragment(2, 72, 0, true);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NEW, B);
	fragment(9, 72, 1480, false);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_FRAGMENT, B);
	fragment(9, 70, 1480, false);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_FRAGMENT, C);
	now += 31 * S;
	IS_DROPPED(from_net(), SCHEDULE_ORPHAN);
}

static void fragments_are_bounded(void)
{
	begin(UDP_SERVICE);
	for (unsigned id = 0; id < 5000; id++) {
		fragment(1, (uint16_t)id, 0, true);
		from_net();
	}
	fragment(1, 4999, 8, false);
	CHECK_EQ(from_net().reason, SCHEDULE_FRAGMENT);
	fragment(1, 0, 8, false);
	CHECK_EQ(from_net().reason, SCHEDULE_ORPHAN);
}

/* A place that is free belongs to nobody, and the next who gets it is not who the
 * fragment was for. */
static void fragments_do_not_follow_into_a_place_that_was_freed(void)
{
	begin("udp:10.0.0.2:54");
	fragment(1, 70, 0, true);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NO_SERVICE, A);
	schedule_remove_dest(s, A, now);
	CHECK_EQ(schedule_expire(s, now), A);
	fragment(1, 70, 1480, false);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_FRAGMENT, A);
	CHECK_EQ(schedule_expire(s, now), DEST_NONE);
	CHECK_EQ(dest(A)->name[0], 0);
	IS_DROPPED(from_net(), SCHEDULE_ORPHAN);
	CHECK_EQ(schedule_add_dest(s, "D", now), A);
	CHECK(!dest(A)->is_up);
	schedule_set_up(s, A, true, now);
	IS_DROPPED(from_net(), SCHEDULE_ORPHAN);
}

static void fragments_of_ipv6_follow_too(void)
{
	begin("udp:[fd00::2]:6000,scheduler=rr");
	for (unsigned off = 0; off <= 8; off += 8) {
		uint8_t *h;

		craft_ether(&frame, 0x86dd);
		craft_ipv6(&frame, 44, 16);
		h = craft_bytes(&frame, 8);
		h[0] = off ? 60 : 17;	/* of a later one it says nothing */
		bytes_put16(h + 2, (uint16_t)(off | !off));
		bytes_put32(h + 4, 0x12345678);
		craft_udp(&frame, 0);
		IS(from_net(), SCHEDULE_TO_DEST, off ? SCHEDULE_FRAGMENT :
		   SCHEDULE_NEW, C);
	}
}

/* --- what guests open --- */

static void answers_return_to_the_guest_that_asked(void)
{
	begin("tcp:10.0.0.2:81");
	IS(out(5000, SYN, B), SCHEDULE_TO_NET, SCHEDULE_NEW, 0);
	IS(in(5000, SYN | ACK), SCHEDULE_TO_DEST, SCHEDULE_ORDINARY, B);
	CHECK_EQ(conn_of(5000)->state, STATE_ESTABLISHED);
	datagram(5000, true);
	IS(from_dest(C), SCHEDULE_TO_NET, SCHEDULE_NEW, 0);
	datagram(5000, false);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_ORDINARY, C);
}

static void two_guests_with_the_same_ports_clash(void)
{
	begin("tcp:10.0.0.2:81");
	out(5000, SYN, B);
	in(5000, SYN | ACK);
	IS_DROPPED(out(5000, SYN, A), SCHEDULE_CLASH);
	IS_DROPPED(out(5000, RST, A), SCHEDULE_WRONG_DEST);
	CHECK_EQ(conn_of(5000)->state, STATE_ESTABLISHED);
	CHECK_EQ(schedule_count(s, SCHEDULE_CLASH), 1);
	in(5000, RST);
	IS(out(5000, SYN, A), SCHEDULE_TO_NET, SCHEDULE_NEW, 0);
}

static void unicast_goes_to_who_claims_the_address(void)
{
	begin("tcp:10.0.0.2:81");
	craft_ether(&frame, 0x88cc);
	craft_bytes(&frame, 46);
	memcpy(frame.b + 6, "\x52\x54\0\0\0\2", 6);
	IS(from_dest(C), SCHEDULE_TO_NET, SCHEDULE_NOT_IP, 0);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NOT_IP, C);
	IS(from_dest(B), SCHEDULE_TO_NET, SCHEDULE_NOT_IP, 0);	/* shared now */
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NOT_IP, A);
	bytes_put16(frame.b + 12, 0x0806);	/* an answer of ARP for both */
	IS(from_net(), SCHEDULE_FLOOD, SCHEDULE_NOT_IP, 0);
}

/* --- states: every cell --- */

static void every_cell_of_the_states(void)
{
	static const char names[] = "NOESSSSRFWTWCLCWLALISA";
	static const struct { const char *from, *to; } rows[] = {
		{ "NO", "SRCLCLCL" "SSESTWCL" }, { "ES", "ESESCWCL" "ESESFWCL" },
		{ "SS", "ESSSSSCL" "SSSSSSSS" }, { "SR", "SRESTWSR" "SRESTWCL" },
		{ "FW", "SRFWTWCL" "SSFWFWCL" }, { "TW", "SRTWTWCL" "SSTWTWTW" },
		{ "CL", "SRCLCLCL" "SSCLCLCL" }, { "CW", "SRCWCWCL" "SSCWTWCL" },
		{ "LA", "SRCLLALA" "SSLALACL" }, { "LI", "SRLILILI" "LIESLICL" },
		{ "SA", "SRESTWSR" "SRESTWCL" },
	};
	static const uint8_t flags[] = { SYN, ACK, FIN, RST };

	for (unsigned row = 0; row < 11; row++) {
		CHECK(!strncmp(names + 2 * row, rows[row].from, 2));
		for (unsigned cell = 0; cell < 8; cell++) {
			enum state to = state_next((enum state)row,
						   flags[cell % 4], cell > 3);

			CHECK(!strncmp(names + 2 * to,
				       rows[row].to + 2 * cell, 2));
		}
		CHECK_EQ(state_next((enum state)row, TCP_PSH, false), STATE_CLOSE);
		CHECK_EQ(state_next((enum state)row, RST | SYN | FIN | ACK, true),
			 state_next((enum state)row, RST, true));
	}
}

static void every_state_lasts_as_long_as_in_ipvs(void)
{
	static const uint32_t seconds[] = { 2, 900, 120, 60, 120, 120, 10, 60,
					    30, 120, 120 };

	for (unsigned i = 0; i < sizeof(seconds) / sizeof(*seconds); i++)
		CHECK_EQ(state_timeout_s((enum state)i), seconds[i]);
	CHECK_EQ(state_timeout_s(STATE_UDP), 300);
}

static void a_connection_dies_after_its_timeout_and_jitter(void)
{
	uint16_t ms;

	begin(SERVICE);
	open_conn(5000, C);
	ms = conn_of(5000)->jitter_ms;
	CHECK(ms < 1000);
	now += 500 * S;
	in(5000, ACK);
	now += 900 * S + ms * S / 1000;
	schedule_expire(s, now - 1);
	CHECK(conn_of(5000));
	schedule_expire(s, now + S / 4);
	CHECK(!conn_of(5000));
	CHECK_EQ(dest_conns(dest(C)), 0);
}

static void a_shorter_timeout_comes_at_once(void)
{
	begin(SERVICE);
	schedule_set_timeout(s, STATE_CLOSE, 1);
	open_conn(5000, C);
	in(5000, RST);
	schedule_expire(s, now += 3 * S);
	CHECK(!conn_of(5000));
}

static void a_service_may_have_its_own_timeout(void)
{
	begin(SERVICE ",timeout=30");
	open_conn(5000, C);
	schedule_expire(s, now += 29 * S);
	CHECK(conn_of(5000));
	schedule_expire(s, now += 3 * S);
	CHECK(!conn_of(5000));
}

static void jitter_differs(void)
{
	unsigned n = 0;

	begin(SERVICE);
	for (uint16_t port = 1; port < 100; port++) {
		in(port, SYN);
		n += conn_of(port)->jitter_ms != conn_of(1)->jitter_ms;
	}
	CHECK(n > 90);
}

/* --- destinations come and go --- */

/* A hundred thousand that began together come up together, however many frames they
 * have had since: other frames wait meanwhile. */
static void what_one_call_looks_at_is_bounded(void)
{
	const uint32_t n = 100000;
	const struct conn_table *t;

	begin(SERVICE);
	config.max_conns = n;
	begin_with(SERVICE);
	for (uint32_t i = 0; i < n; i++) {
		segment((uint16_t)i, SYN, false);
		bytes_put32(frame.b + 26, 0x0b000000 + i);
		from_net();
		now += 59 * S;
		from_net();
		now -= 59 * S;
	}
	t = schedule_conns(s);
	CHECK_EQ(flow_count(t->flows), n);
	now += 62 * S;
	schedule_expire(s, now);
	CHECK(t->tick < now / WHEEL_TICK_NS);
	schedule_expire(s, now);
	CHECK_EQ(t->tick, now / WHEEL_TICK_NS);
	CHECK_EQ(flow_count(t->flows), n);
	now += 60 * S;
	for (unsigned i = 0; i < 4; i++)
		schedule_expire(s, now);
	CHECK_EQ(flow_count(t->flows), 0);
}

static void a_drain_has_an_end(void)
{
	begin(SERVICE);
	open_conn(5000, C);
	schedule_set_weight(s, C, 0);
	CHECK_EQ(schedule_expire(s, now), DEST_NONE);
	for (uint16_t port = 1; port < 9; port++)
		CHECK(in(port, SYN).dest != C);
	IS(in(5000, ACK), SCHEDULE_TO_DEST, SCHEDULE_ORDINARY, C);
	in(5000, RST);
	CHECK_EQ(schedule_expire(s, now += 12 * S), C);
	CHECK_EQ(schedule_expire(s, now += S), DEST_NONE);
	schedule_set_weight(s, C, 1);		/* the next one has an end, too */
	schedule_set_weight(s, C, 0);
	CHECK_EQ(schedule_expire(s, now += S), C);
}

/* Whether the old one is remembered depends on its connections: who adds it again
 * gets the same in any case. */
static void a_destination_that_is_added_again_is_like_a_new_one(void)
{
	begin(SERVICE);
	open_conn(5000, C);
	schedule_set_weight(s, C, 0);
	schedule_set_limits(s, C, 1, 1);
	schedule_set_mac(s, C, (const uint8_t *)"\x52\x54\0\0\0\1");
	CHECK(dest(C)->is_overloaded);
	schedule_remove_dest(s, C, now);
	CHECK_EQ(schedule_add_dest(s, "C", now), C);
	CHECK_EQ(dest(C)->n_active, 1);
	CHECK_EQ(dest(C)->weight, 1);
	CHECK_EQ(dest(C)->max_conn + dest(C)->min_conn, 0);
	CHECK(dest_is_usable(dest(C)) && !dest(C)->has_mac);
}

static void only_what_was_there_has_drained(void)
{
	uint16_t d;

	begin(SERVICE);
	d = schedule_add_dest(s, "D", now);
	schedule_remove_dest(s, d, now);
	schedule_remove_dest(s, C, now);
	CHECK_EQ(schedule_expire(s, now), C);
	CHECK_EQ(schedule_expire(s, now), DEST_NONE);
	CHECK_EQ(dest_find(schedule_dests(s), "D"), DEST_NONE);
}

static void reused_ports_leave_a_closed_connection(void)
{
	begin(SERVICE);
	open_conn(5000, C);
	in(5000, FIN | ACK);
	out(5000, FIN | ACK, C);
	CHECK_EQ(conn_of(5000)->state, STATE_TIME_WAIT);
	IS(in(5000, SYN), SCHEDULE_TO_DEST, SCHEDULE_NEW, B);
	CHECK_EQ(schedule_rescheduled(s), 1);
	CHECK_EQ(dest_conns(dest(C)), 0);
}

/* Segments that lead an established connection to a state; what a SYN does there. */
static void a_syn_begins_anew_in_states_that_are_closed(void)
{
	static const struct {
		uint8_t in, out;
		enum state state;
		bool begins;
	} ways[] = {
		{ 0, 0, STATE_ESTABLISHED, false },
		{ 0, FIN | ACK, STATE_FIN_WAIT, false },
		{ FIN | ACK, 0, STATE_CLOSE_WAIT, false },
		{ FIN | ACK, FIN | ACK, STATE_TIME_WAIT, true },
		{ RST, 0, STATE_CLOSE, true },
	};

	for (unsigned i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		begin(SERVICE);
		open_conn(5000, C);
		if (ways[i].in)
			in(5000, ways[i].in);
		if (ways[i].out)
			out(5000, ways[i].out, C);
		CHECK_EQ(conn_of(5000)->state, ways[i].state);
		CHECK_EQ(in(5000, SYN).dest, ways[i].begins ? B : C);
		CHECK_EQ(schedule_rescheduled(s), ways[i].begins);
	}
	CHECK(state_is_closed(STATE_LAST_ACK));
}

static void reused_ports_do_not_go_to_a_weight_of_zero(void)
{
	begin(SERVICE);
	open_conn(5000, C);
	in(5000, FIN | ACK);
	CHECK_EQ(conn_of(5000)->state, STATE_CLOSE_WAIT);
	schedule_set_weight(s, C, 0);
	IS(in(5000, SYN), SCHEDULE_TO_DEST, SCHEDULE_NEW, B);
	open_conn(5001, A);
	schedule_set_weight(s, A, 0);
	/* TCP has to say what this is: perhaps somebody made it up */
	IS(in(5001, SYN), SCHEDULE_TO_DEST, SCHEDULE_ORDINARY, A);
}

static void a_dead_destination_keeps_its_connections_for_a_while(void)
{
	begin(SERVICE);
	open_conn(5000, C);
	open_conn(5001, B);
	schedule_set_up(s, C, false, now);
	IS_DROPPED(in(5000, ACK), SCHEDULE_DEST_DOWN);
	CHECK(in(1, SYN).dest != C);
	schedule_set_up(s, C, true, now += 100 * S);
	IS(in(5000, ACK), SCHEDULE_TO_DEST, SCHEDULE_ORDINARY, C);
	schedule_set_up(s, C, false, now);
	schedule_expire(s, now += 299 * S);
	CHECK(conn_of(5000));
	schedule_expire(s, now += 2 * S);
	CHECK(!conn_of(5000));
	CHECK(conn_of(5001));
}

static void a_syn_leaves_a_dead_destination(void)
{
	begin(SERVICE);
	open_conn(5000, C);
	schedule_set_up(s, C, false, now);
	IS(in(5000, SYN), SCHEDULE_TO_DEST, SCHEDULE_NEW, B);
}

static void a_removed_destination_ends_its_connections_and_goes(void)
{
	begin(SERVICE);
	open_conn(5000, C);
	schedule_remove_dest(s, C, now);
	IS(in(5000, ACK), SCHEDULE_TO_DEST, SCHEDULE_ORDINARY, C);
	CHECK(in(1, SYN).dest != C);
	CHECK_EQ(schedule_add_dest(s, "A", now), DEST_NONE);
	schedule_expire(s, now += 301 * S);
	CHECK(!conn_of(5000));
	schedule_expire(s, now);
	CHECK_EQ(dest_find(schedule_dests(s), "C"), DEST_NONE);
	CHECK_EQ(schedule_add_dest(s, "D", now), C);
}

/* A guest that goes on speaking does not keep its removed destination. */
static void a_removed_destination_has_nothing_new_once_it_is_over(void)
{
	begin(SERVICE);
	open_conn(5000, C);
	schedule_remove_dest(s, C, now);
	IS(out(7000, SYN, C), SCHEDULE_TO_NET, SCHEDULE_NEW, 0);
	CHECK_EQ(schedule_expire(s, now += 301 * S), C);
	IS_DROPPED(out(7001, SYN, C), SCHEDULE_QUIESCENT);
	IS_DROPPED(out(7000, ACK, C), SCHEDULE_QUIESCENT);
	schedule_expire(s, now);
	CHECK_EQ(dest_find(schedule_dests(s), "C"), DEST_NONE);
}

static void a_removed_destination_that_comes_and_goes_is_over_in_time(void)
{
	begin(SERVICE);
	open_conn(5000, C);
	schedule_remove_dest(s, C, now);
	for (unsigned i = 0; i < 3; i++) {
		schedule_set_up(s, C, i % 2, now += 100 * S);
		CHECK(conn_of(5000));
	}
	schedule_expire(s, now += S);
	CHECK(!conn_of(5000));
}

static void the_templates_of_a_removed_destination_go_with_it(void)
{
	begin(SERVICE ",persist=1000");
	open_conn(1, C);
	open_conn(2, C);
	schedule_set_up(s, C, false, now);
	schedule_expire(s, now += 301 * S);
	CHECK(!conn_of(1));
	CHECK_EQ(dest(C)->n_templates, 1);	/* it may come back */
	schedule_set_up(s, C, true, now);
	open_conn(3, C);
	schedule_remove_dest(s, C, now);
	CHECK_EQ(schedule_expire(s, now += 301 * S), C);
	CHECK_EQ(dest(C)->n_templates, 0);
}

static void quiescent_connections_end_when_told_so(void)
{
	begin(SERVICE);
	config.expire_quiescent = true;
	begin_with(SERVICE);
	open_conn(5000, C);
	open_conn(5001, B);
	schedule_set_weight(s, C, 0);
	IS_DROPPED(in(5000, ACK), SCHEDULE_QUIESCENT);
	CHECK(!conn_of(5000));
	schedule_set_weight(s, B, 0);
	IS(in(5001, SYN), SCHEDULE_TO_DEST, SCHEDULE_NEW, A);
}

static void stale_udp_leaves_a_dead_destination(void)
{
	begin(UDP_SERVICE);
	config.expire_quiescent = true;
	begin_with(UDP_SERVICE);
	datagram(5000, false);
	CHECK_EQ(from_net().dest, C);
	schedule_remove_dest(s, C, now);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NEW, B);
}

static void overload_is_answered_as_told(void)
{
	begin(SERVICE);
	for (uint16_t i = 0; i < 3; i++)
		schedule_set_limits(s, i, 1, 0);
	for (uint16_t port = 1; port <= 3; port++)
		CHECK_EQ(in(port, SYN).reason, SCHEDULE_NEW);
	IS_DROPPED(in(4, SYN), SCHEDULE_OVERLOAD);
	config.on_overload = SCHEDULE_OVER_PASS;
	begin_with(SERVICE);
	for (uint16_t i = 0; i < 3; i++)
		schedule_set_limits(s, i, 1, 0);
	for (uint16_t port = 1; port <= 3; port++)
		in(port, SYN);
	IS(in(4, SYN), SCHEDULE_TO_DEST, SCHEDULE_OVERLOAD_PASSED, A);
	config.on_overload = SCHEDULE_OVER_LEAST;
	begin_with(SERVICE);
	for (uint16_t i = 0; i < 3; i++)
		schedule_set_limits(s, i, 1, 0);
	for (uint16_t port = 1; port <= 4; port++)
		CHECK_EQ(in(port, SYN).reason, SCHEDULE_NEW);
}

/* --- the full table --- */

static void eviction_takes_closed_then_half_open_never_established(void)
{
	begin(SERVICE);
	config.max_conns = 4;
	begin_with(SERVICE);
	serve("udp:10.0.0.2:53");
	open_conn(1, C);
	in(2, SYN);
	open_conn(3, A);
	in(3, RST);
	datagram(4, false);
	from_net();
	in(5, SYN);			/* the closed one gives way */
	CHECK(!conn_of(3) && conn_of(2));
	in(6, SYN);			/* then the oldest half-open one */
	CHECK(!conn_of(2) && conn_of(5));
	open_conn(5, conn_of(5)->dest);
	open_conn(6, conn_of(6)->dest);
	in(7, SYN);			/* then a datagram's */
	CHECK(conn_of(7));
	for (uint16_t port = 100; port < 3000; port++)
		CHECK_EQ(in(port, SYN).reason, SCHEDULE_NEW);
	CHECK(conn_of(1) && conn_of(5) && conn_of(6));
	CHECK_EQ(dest(A)->n_active + dest(B)->n_active + dest(C)->n_active, 3);
}

static void a_flood_of_datagrams_leaves_established_connections(void)
{
	begin(SERVICE);
	config.max_conns = 4;
	begin_with(SERVICE);
	serve(UDP_SERVICE);
	open_conn(1, C);
	for (uint16_t port = 100; port < 3000; port++) {
		datagram(port, false);
		CHECK_EQ(from_net().reason, SCHEDULE_NEW);
	}
	IS(in(1, ACK), SCHEDULE_TO_DEST, SCHEDULE_ORDINARY, C);
	CHECK_EQ(dest(A)->n_inactive + dest(B)->n_inactive +
		 dest(C)->n_inactive, 3);
}

static void an_evicted_connection_is_unknown_from_either_side(void)
{
	begin(SERVICE);
	config.max_conns = 2;
	config.unknown_drop = true;
	begin_with(SERVICE);
	CHECK_EQ(in(1, SYN).dest, C);
	open_conn(2, B);
	CHECK_EQ(in(3, SYN).reason, SCHEDULE_NEW);
	IS_DROPPED(in(1, ACK), SCHEDULE_STRAY);
	IS_DROPPED(out(1, SYN | ACK, C), SCHEDULE_STRAY);
	CHECK_EQ(dest_conns(dest(C)), 0);
}

static void counts_return_to_zero(void)
{
	begin(SERVICE ",persist=10");
	config.max_conns = 50;
	begin_with(SERVICE ",persist=10");
	for (uint16_t port = 1; port < 2000; port++) {
		in(port, SYN);
		if (port % 3 && conn_of(port))
			out(port, SYN | ACK, conn_of(port)->dest);
		if (port % 7 == 0)
			in(port, ACK);
		now += S / 10;
		if (port % 5 == 0)
			schedule_expire(s, now);
	}
	for (unsigned i = 0; i < 3000; i++)
		schedule_expire(s, now += S);
	for (uint16_t i = 0; i < 3; i++) {
		CHECK_EQ(dest_conns(dest(i)), 0);
		CHECK_EQ(dest(i)->n_templates, 0);
	}
	CHECK_EQ(flow_count(schedule_conns(s)->flows), 0);
}

/* --- persistence --- */

static void a_client_stays_with_its_template(void)
{
	begin(SERVICE ",persist=100");
	for (uint16_t port = 1; port < 5; port++)
		CHECK_EQ(in(port, SYN).dest, C);
	CHECK_EQ(dest(C)->n_templates, 1);
	now += 99 * S;
	CHECK_EQ(in(9, SYN).dest, C);	/* and begins its time again */
	schedule_expire(s, now += 99 * S);
	CHECK_EQ(in(10, SYN).dest, C);
}

static void a_template_outlives_its_connections(void)
{
	begin(SERVICE ",persist=100");
	open_conn(1, C);
	for (unsigned i = 0; i < 10; i++) {
		schedule_expire(s, now += 80 * S);
		in(1, ACK);
	}
	CHECK_EQ(dest(C)->n_templates, 1);
	in(1, RST);
	schedule_expire(s, now += 11 * S);
	CHECK(!conn_of(1));
	schedule_expire(s, now += 61 * S);
	CHECK_EQ(dest(C)->n_templates, 0);
}

/* Its connections keep it for another 60 s; a new one begins its 5 s again. */
static void a_template_that_was_kept_ends_in_its_own_time(void)
{
	begin(SERVICE ",persist=5");
	schedule_set_timeout(s, STATE_CLOSE, 1);
	open_conn(1, C);
	schedule_expire(s, now += 7 * S);
	CHECK_EQ(dest(C)->n_templates, 1);
	open_conn(2, C);
	in(1, RST);
	in(2, RST);
	schedule_expire(s, now += 4 * S);
	CHECK_EQ(dest_conns(dest(C)), 0);
	CHECK_EQ(dest(C)->n_templates, 1);
	schedule_expire(s, now += 3 * S);
	CHECK_EQ(dest(C)->n_templates, 0);
}

static void masked_clients_share_a_template(void)
{
	begin(SERVICE ",persist=100,mask=24");
	CHECK_EQ(in(1, SYN).dest, C);
	segment(2, SYN, false);
	frame.b[29] = 77;
	CHECK_EQ(from_net().dest, C);
	frame.b[28] = 77;
	CHECK_EQ(from_net().dest, B);
}

static void affinity_honours_a_weight_of_zero_when_told_so(void)
{
	begin(SERVICE ",persist=100");
	in(1, SYN);
	schedule_set_weight(s, C, 0);
	CHECK_EQ(in(2, SYN).dest, C);
	config.expire_quiescent_template = true;
	begin_with(SERVICE ",persist=100");
	in(1, SYN);
	schedule_set_weight(s, C, 0);
	CHECK_EQ(in(2, SYN).dest, B);
	CHECK_EQ(in(3, SYN).dest, B);
	CHECK_EQ(dest(C)->n_templates, 0);
}

static void an_overloaded_destination_keeps_its_template(void)
{
	begin(SERVICE ",persist=100");
	in(1, SYN);
	schedule_set_limits(s, C, 1, 0);
	CHECK(in(2, SYN).dest != C);
	CHECK_EQ(dest(C)->n_templates, 1);
	schedule_set_limits(s, C, 0, 0);
	CHECK_EQ(in(3, SYN).dest, C);
}

/* A template is for all ports of a service that has all. */
static void a_client_of_all_ports_stays_on_each(void)
{
	begin("tcp:10.0.0.2:0,scheduler=rr,persist");
	CHECK_EQ(in(1, SYN).dest, C);
	segment(2, SYN, false);
	bytes_put16(frame.b + 36, 8080);
	CHECK_EQ(from_net().dest, C);
	CHECK_EQ(dest(C)->n_templates, 1);
}

static void from_client(uint32_t client, uint8_t flags, bool is_answer)
{
	segment(1, flags, is_answer);
	bytes_put32(frame.b + (is_answer ? 30 : 26), client);
}

/* The oldest template has a connection: another one gives way. */
static void a_template_that_is_needed_does_not_give_way(void)
{
	begin(SERVICE);
	config.max_conns = 4;
	begin_with(SERVICE ",persist");
	from_client(1, SYN, false);
	CHECK_EQ(from_net().dest, C);
	from_client(1, SYN | ACK, true);
	from_dest(C);
	from_client(1, ACK, false);
	from_net();
	from_client(2, SYN, false);
	CHECK_EQ(from_net().dest, B);
	from_client(2, RST, true);
	from_dest(B);
	schedule_expire(s, now += 12 * S);
	CHECK_EQ(flow_count(schedule_conns(s)->flows), 3);
	from_client(3, SYN, false);
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NEW, A);
	CHECK_EQ(dest(C)->n_templates, 1);
	CHECK_EQ(dest(B)->n_templates, 0);
}

static void a_flow_of_udp_is_one_way_until_it_is_answered(void)
{
	begin("udp:10.0.0.2:54");
	for (unsigned i = 0; i < 2; i++) {
		datagram(5000, true);
		from_dest(A);
		CHECK_EQ(flow_oldest(schedule_conns(s)->flows,
				     CONN_LIST_LASTING) != NULL, false);
	}
	datagram(5000, false);
	from_net();
	CHECK(flow_oldest(schedule_conns(s)->flows, CONN_LIST_LASTING));
}

/* --- the file --- */

static void reopen(const char *service)
{
	schedule_free(s);
	s = NULL;
	record_table_close(config.table);
	config.table = NULL;
	CHECK_EQ(lasting_open(&config.table, dir, 1000), 0);
	begin_with(service);
	schedule_load(s, now);
}

static void end_with_file(void)
{
	char path[sizeof(dir) + sizeof("/connections")];

	schedule_free(s);
	s = NULL;
	record_table_close(config.table);
	config.table = NULL;
	snprintf(path, sizeof(path), "%s/connections", dir);
	unlink(path);
}

static void connections_outlive_the_process(void)
{
	uint32_t n_loaded, n_lost;
	uint64_t deadline;

	begin(SERVICE ",persist=100");
	reopen(SERVICE ",persist=100");
	for (uint16_t port = 1; port <= 9; port++)
		open_conn(port, C);
	out(20, SYN, B);
	in(1, RST);
	deadline = conn_of(5)->deadline_ns;
	now += 5 * S;
	reopen(SERVICE ",persist=100");
	schedule_stored(s, &n_loaded, &n_lost);
	CHECK_EQ(n_loaded, 11);
	CHECK_EQ(n_lost, 0);
	CHECK_EQ(conn_of(5)->deadline_ns, deadline);
	CHECK_EQ(conn_of(1)->state, STATE_CLOSE);
	CHECK_EQ(dest(C)->n_active, 8);
	CHECK_EQ(dest(C)->n_templates, 1);
	IS(in(5, ACK), SCHEDULE_TO_DEST, SCHEDULE_ORDINARY, C);
	IS(in(20, SYN | ACK), SCHEDULE_TO_DEST, SCHEDULE_ORDINARY, B);
	CHECK_EQ(in(30, SYN).dest, C);
	/* a template with connections does not end before them */
	for (unsigned i = 0; i < 8; i++) {
		schedule_expire(s, now += 50 * S);
		in(5, ACK);
	}
	CHECK_EQ(dest(C)->n_templates, 1);
	end_with_file();
}

static void forge(uint16_t port, enum state state)
{
	uint32_t n = flow_index(schedule_conns(s)->flows, conn_of(port));
	struct lasting_record *at = record_table_at(config.table, n), rec = *at;

	rec.state = (uint8_t)state;
	lasting_write(at, &rec);
}

/* Whoever wrote it knew the checksum. */
static void a_record_in_a_state_that_its_kind_has_not_is_lost(void)
{
	uint32_t n_loaded, n_lost;

	begin(SERVICE ",persist=100");
	reopen(SERVICE ",persist=100");
	for (uint16_t port = 1; port <= 4; port++)
		open_conn(port, C);
	forge(1, STATE_CLOSE_WAIT);
	forge(2, STATE_UDP);
	forge(3, STATE_TEMPLATE);
	reopen(SERVICE ",persist=100");
	schedule_stored(s, &n_loaded, &n_lost);
	CHECK_EQ(n_loaded, 3);
	CHECK_EQ(n_lost, 2);
	CHECK(conn_of(1) && !conn_of(2) && !conn_of(3) && conn_of(4));
	end_with_file();
}

static void a_restored_connection_does_not_last_longer_than_a_new_one(void)
{
	uint32_t n;

	begin(SERVICE);
	reopen(SERVICE);
	open_conn(1, C);
	n = flow_index(schedule_conns(s)->flows, conn_of(1));
	((struct lasting_record *)record_table_at(config.table, n))
			->deadline_ns = UINT64_MAX / 2;
	reopen(SERVICE);
	CHECK(conn_of(1));
	schedule_expire(s, now += 902 * S);
	CHECK(!conn_of(1));
	end_with_file();
}

/* A frame that only moves the deadline is in the file, too. */
static void a_deadline_outlives_the_process(void)
{
	begin(SERVICE);
	reopen(SERVICE);
	open_conn(1, C);
	now += 800 * S;
	in(1, ACK);
	reopen(SERVICE);
	now += 800 * S;
	schedule_expire(s, now);
	CHECK(conn_of(1));
	end_with_file();
}

/* --- direct routing --- */

static void arp_for_a_vmac_is_answered(void)
{
	uint8_t reply[ANSWER_ROOM], *arp;

	begin(SERVICE ",vmac=52:54:00:00:00:99");
	craft_ether(&frame, 0x0806);
	memset(frame.b, 0xff, 6);
	arp = craft_bytes(&frame, 28);
	memcpy(arp, "\0\1\x08\0\6\4\0\1", 8);
	memcpy(arp + 8, "\x52\x54\0\0\0\1\x0a\0\0\1", 10);
	memcpy(arp + 24, "\x0a\0\0\2", 4);
	IS(from_net(), SCHEDULE_ANSWER, SCHEDULE_ANSWERED, 0);
	CHECK_EQ(answer_write(reply, &schedule_services(s)->v[0], frame.b,
			      frame.len), 60);
	CHECK(!memcmp(reply, "\x52\x54\0\0\0\1\x52\x54\0\0\0\x99\x08\6", 14));
	CHECK(!memcmp(reply + 20, "\0\2\x52\x54\0\0\0\x99\x0a\0\0\2", 12));
	CHECK(!memcmp(reply + 32, "\x52\x54\0\0\0\1\x0a\0\0\1", 10));
	arp[27] = 3;
	IS(from_net(), SCHEDULE_TO_DEST, SCHEDULE_NOT_IP, A);
}

static void nd_for_a_vmac_is_answered(void)
{
	uint8_t reply[ANSWER_ROOM], *ip, *nd;

	begin("tcp:[fd00::2]:80,vmac=52:54:00:00:00:99");
	craft_ether(&frame, 0x86dd);
	ip = craft_ipv6(&frame, 58, 24);
	ip[7] = 255;
	nd = craft_bytes(&frame, 24);
	nd[0] = 135;
	memcpy(nd + 8, ip + 24, 16);
	IS(from_net(), SCHEDULE_ANSWER, SCHEDULE_ANSWERED, 0);
	CHECK_EQ(answer_write(reply, &schedule_services(s)->v[0], frame.b,
			      frame.len), 14 + 40 + 32);
	CHECK_EQ(reply[54], 136);
	CHECK_EQ(reply[58], 0x60);
	CHECK(!memcmp(reply + 54 + 26, "\x52\x54\0\0\0\x99", 6));
	CHECK(!memcmp(reply + 38, ip + 8, 16));
	memset(ip + 8, 0, 16);		/* it has no address yet: to all nodes */
	IS(from_net(), SCHEDULE_ANSWER, SCHEDULE_ANSWERED, 0);
	answer_write(reply, &schedule_services(s)->v[0], frame.b, frame.len);
	CHECK(!memcmp(reply, "\x33\x33\0\0\0\1", 6));
	CHECK(!memcmp(reply + 38, "\xff\2\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16));
	CHECK_EQ(reply[58], 0x20);
	ip[7] = 254;			/* from beyond a router: RFC 4861 7.1.1 */
	CHECK(from_net().way != SCHEDULE_ANSWER);
}

static void the_address_of_a_group_is_not_learnt(void)
{
	begin(SERVICE);
	schedule_set_mac(s, A, NULL);
	segment(5000, SYN, true);
	frame.b[6] |= 1;
	from_dest(A);
	CHECK(!dest(A)->has_mac);
	frame.b[6] &= 0xfe;
	from_dest(A);
	CHECK(dest(A)->has_mac);
	CHECK(!memcmp(dest(A)->mac, frame.b + 6, 6));
}

/* --- the command line's text --- */

static void services_are_read_or_refused(void)
{
	static const char *const bad[] = {
		"", "tcp", "tcp:10.0.0.2", "tcp:10.0.0.2:", "tcp:10.0.0.2:65536",
		"sctp:10.0.0.2:80", "tcp:[fd00::2:80", "tcp:fd00::2:80",
		"tcp:10.0.0.2:80,scheduler=best", "tcp:10.0.0.2:80,persist=0",
		"tcp:10.0.0.2:80,mask=33", "tcp:10.0.0.2:80,one-packet",
		"tcp:10.0.0.2:80,vmac=01:00:00:00:00:00", "tcp:10.0.0.2:80,x",
		"tcp:10.0.0.2:80,vmac=-2:00:00:00:00:00",
		"tcp:10.0.0.2:80,vmac=52:+5:00:00:00:00",
		"tcp:10.0.0.2:80,vmac=52: 5:00:00:00:00",
		"tcp:10.0.0.2:80,vmac=52:0x:00:00:00:00",
		"tcp:10.0.0.2:80,vmac=52:54:00:00:00:00:00",
		"tcp:10.0.0.2:80,slow-start=", "icmp:10.0.0.2:7",
		"tcp:10.0.0.2:80,persist=2678401", "tcp:10.0.0.2:80,persist=1500ms",
	};
	struct service svc;
	char why[512], text[512];

	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK(!service_parse(&svc, bad[i], why, sizeof(why)));
	snprintf(text, sizeof(text), "tcp:10.0.0.2:80,%0256d", 0);
	CHECK(!service_parse(&svc, text, why, sizeof(why)));
	CHECK(!strcmp(why, "the text is longer than 255 bytes"));
	CHECK(service_parse(&svc, "tcp:[fd00::2]:0,scheduler=mh,persist,mask=64",
			    why, sizeof(why)));
	CHECK_EQ(svc.persist_s, 360);
	CHECK_EQ(svc.mask, 64);
	CHECK_EQ(svc.scheduler.kind, SCHEDULER_MH);
	CHECK(service_parse(&svc, "icmp:fd00::2", why, sizeof(why)) ||
	      service_parse(&svc, "icmp:[fd00::2]", why, sizeof(why)));
	CHECK_EQ(svc.proto, PACKET_ICMP6);
	begin(SERVICE);
	CHECK(service_parse(&svc, SERVICE, why, sizeof(why)));
	CHECK(!schedule_add_service(s, &svc));
}

int main(void)
{
	CHECK(mkdtemp(dir));
	TEST(a_truncated_header_is_dropped);
	TEST(an_unknown_ack_to_a_service_passes_or_is_dropped);
	TEST(no_segment_but_a_pure_syn_schedules);
	TEST(a_syn_to_no_service_passes);
	TEST(a_syn_without_a_destination_is_dropped);
	TEST(a_full_table_drops_and_counts);
	TEST(a_new_connection_is_counted_and_stays);
	TEST(any_datagram_schedules);
	TEST(a_datagram_to_no_service_passes);
	TEST(a_datagram_without_a_destination_is_dropped);
	TEST(a_datagram_is_one_way_until_it_is_answered);
	TEST(one_packet_schedules_each_datagram);
	TEST(other_protocols_are_unscheduled);
	TEST(a_port_of_zero_is_any_port);
	TEST(icmp_queries_have_pseudo_ports);
	TEST(queries_of_icmp6_have_pseudo_ports);
	TEST(a_query_without_a_destination_is_dropped);
	TEST(a_query_to_no_service_passes);
	TEST(icmp_errors_follow_their_connection);
	TEST(an_error_with_a_wrong_checksum_is_dropped);
	TEST(errors_of_icmp6_follow_their_connection);
	TEST(errors_about_later_fragments_follow_nobody);
	TEST(fragments_follow_their_first_one);
	TEST(fragments_are_bounded);
	TEST(fragments_do_not_follow_into_a_place_that_was_freed);
	TEST(fragments_of_ipv6_follow_too);
	TEST(answers_return_to_the_guest_that_asked);
	TEST(two_guests_with_the_same_ports_clash);
	TEST(unicast_goes_to_who_claims_the_address);
	TEST(every_cell_of_the_states);
	TEST(every_state_lasts_as_long_as_in_ipvs);
	TEST(a_connection_dies_after_its_timeout_and_jitter);
	TEST(a_shorter_timeout_comes_at_once);
	TEST(a_service_may_have_its_own_timeout);
	TEST(jitter_differs);
	TEST(what_one_call_looks_at_is_bounded);
	TEST(a_drain_has_an_end);
	TEST(a_destination_that_is_added_again_is_like_a_new_one);
	TEST(only_what_was_there_has_drained);
	TEST(reused_ports_leave_a_closed_connection);
	TEST(a_syn_begins_anew_in_states_that_are_closed);
	TEST(reused_ports_do_not_go_to_a_weight_of_zero);
	TEST(a_dead_destination_keeps_its_connections_for_a_while);
	TEST(a_syn_leaves_a_dead_destination);
	TEST(a_removed_destination_ends_its_connections_and_goes);
	TEST(a_removed_destination_has_nothing_new_once_it_is_over);
	TEST(a_removed_destination_that_comes_and_goes_is_over_in_time);
	TEST(the_templates_of_a_removed_destination_go_with_it);
	TEST(quiescent_connections_end_when_told_so);
	TEST(stale_udp_leaves_a_dead_destination);
	TEST(overload_is_answered_as_told);
	TEST(eviction_takes_closed_then_half_open_never_established);
	TEST(a_flood_of_datagrams_leaves_established_connections);
	TEST(an_evicted_connection_is_unknown_from_either_side);
	TEST(counts_return_to_zero);
	TEST(a_client_stays_with_its_template);
	TEST(a_template_outlives_its_connections);
	TEST(a_template_that_was_kept_ends_in_its_own_time);
	TEST(masked_clients_share_a_template);
	TEST(affinity_honours_a_weight_of_zero_when_told_so);
	TEST(an_overloaded_destination_keeps_its_template);
	TEST(connections_outlive_the_process);
	TEST(a_flow_of_udp_is_one_way_until_it_is_answered);
	TEST(a_template_that_is_needed_does_not_give_way);
	TEST(a_client_of_all_ports_stays_on_each);
	TEST(a_deadline_outlives_the_process);
	TEST(a_record_in_a_state_that_its_kind_has_not_is_lost);
	TEST(a_restored_connection_does_not_last_longer_than_a_new_one);
	TEST(arp_for_a_vmac_is_answered);
	TEST(nd_for_a_vmac_is_answered);
	TEST(the_address_of_a_group_is_not_learnt);
	TEST(services_are_read_or_refused);
	schedule_free(s);
	rmdir(dir);
	return TEST_END();
}
