/* SPDX-License-Identifier: ISC */
#include "../../common/link_type.h"

#include <errno.h>
#include <pcap/dlt.h>

#include "test.h"

static int skip(int linktype, const char *hex, uint16_t *ethertype)
{
	static uint8_t *exact;	/* of exactly their size: for ASan */
	size_t len = strlen(hex) / 2;

	free(exact);
	exact = malloc(len ? len : 1);
	for (size_t i = 0; i < len; i++) {
		unsigned x;

		sscanf(hex + 2 * i, "%2x", &x);
		exact[i] = (uint8_t)x;
	}
	*ethertype = 0;
	return link_type_skip(linktype, exact, len, ethertype);
}

#define ZEROS22 "00000000000000000000000000000000000000000000"

static void each_header(void)
{
	static const struct {
		int linktype;
		const char *hex;
		int skip;
		uint16_t ethertype;
	} rows[] = {
		{ DLT_RAW, "45", 0, 0x0800 },
		{ DLT_RAW, "60", 0, 0x86dd },
		{ DLT_RAW, "", -EINVAL, 0 },
		{ DLT_NULL, "0200000045", 4, 0x0800 },
		{ DLT_NULL, "0000000245", 4, 0x0800 },
		{ DLT_LOOP, "0000000245", 4, 0x0800 },
		{ DLT_NULL, "0a000000", 4, 0x86dd },
		{ DLT_NULL, "18000000", 4, 0x86dd },
		{ DLT_NULL, "1c000000", 4, 0x86dd },
		{ DLT_NULL, "1e000000", 4, 0x86dd },
		{ DLT_LOOP, "0000001e", 4, 0x86dd },
		{ DLT_NULL, "07000000", 4, 0xffff },
		{ DLT_NULL, "020000", -EINVAL, 0 },
		{ DLT_PPP, "ff03002145", 4, 0x0800 },
		{ DLT_PPP, "002145", 2, 0x0800 },
		{ DLT_PPP, "2145", 1, 0x0800 },
		{ DLT_PPP, "ff035760", 3, 0x86dd },
		{ DLT_PPP, "ff03028100", 4, 0x8847 },
		{ DLT_PPP, "ff03c02101", 2, 0x880b },
		{ DLT_PPP, "ff03", -EINVAL, 0 },
		{ DLT_PPP, "ff", -EINVAL, 0 },
		{ DLT_PPP_SERIAL, "0f00080045", 4, 0x0800 },
		{ DLT_PPP_SERIAL, "ff03005760", 4, 0x86dd },
		{ DLT_PPP_SERIAL, "0f0008", -EINVAL, 0 },
		{ DLT_C_HDLC, "0f0086dd60", 4, 0x86dd },
		{ DLT_PPP_ETHER, "1100000700140021", 8, 0x0800 },
		{ DLT_PPP_ETHER, "11000007001400", -EINVAL, 0 },
		{ DLT_PPP_ETHER, "1100", -EINVAL, 0 },
		{ DLT_LINUX_SLL, "0000000000000000000000000000080045", 16,
		  0x0800 },
		{ DLT_LINUX_SLL, "00000000000000000000000000000800", 16,
		  0x0800 },
		{ DLT_LINUX_SLL, "000000000000000000000000000008", -EINVAL, 0 },
		{ DLT_LINUX_SLL2, "86dd000000000000000000000000000000000000",
		  20, 0x86dd },
		{ DLT_LINUX_SLL2, "86dd0000000000000000000000000000000000",
		  -EINVAL, 0 },
		/* data, its LLC; QoS; a fourth address; QoS and HT control */
		{ DLT_IEEE802_11, "0801" ZEROS22 "aaaa03000000080045", 32,
		  0x0800 },
		{ DLT_IEEE802_11, "8801" ZEROS22 "0000aaaa0300000086dd60", 34,
		  0x86dd },
		{ DLT_IEEE802_11, "0803" ZEROS22 "000000000000aaaa030000f808"
		  "0045", 38, 0x0800 },
		{ DLT_IEEE802_11, "8881" ZEROS22 "000000000000aaaa0300000008"
		  "0045", 38, 0x0800 },
		/* not SNAP, encrypted, several in one, none */
		{ DLT_IEEE802_11, "0801" ZEROS22 "424203", 24, 0xffff },
		{ DLT_IEEE802_11, "0841" ZEROS22 "aaaa03000000080045", 24,
		  0xffff },
		{ DLT_IEEE802_11, "8801" ZEROS22 "8000aaaa030000000800", 26,
		  0xffff },
		{ DLT_IEEE802_11, "4801" ZEROS22, 0, 0x890d },
		{ DLT_IEEE802_11, "8000", 0, 0x890d },
		{ DLT_IEEE802_11, "0801" ZEROS22, -EINVAL, 0 },
		{ DLT_IEEE802_11, "08", -EINVAL, 0 },
		{ DLT_IEEE802_11, "", -EINVAL, 0 },
		/* radiotap: nothing present; a time and flags that say that
		 * the header is filled up; the same in a second word */
		{ DLT_IEEE802_11_RADIO, "0000080000000000" "0801" ZEROS22
		  "aaaa03000000080045", 40, 0x0800 },
		{ DLT_IEEE802_11_RADIO, "0000140003000000" "0000000000000000"
		  "20000000" "8801" ZEROS22 "00000000aaaa03000000080045", 56,
		  0x0800 },
		{ DLT_IEEE802_11_RADIO, "0000100002000080" "00000000"
		  "20000000" "8801" ZEROS22 "00000000aaaa03000000080045", 52,
		  0x0800 },
		{ DLT_IEEE802_11_RADIO, "0000090002000000", -EINVAL, 0 },
		{ DLT_IEEE802_11_RADIO, "0000080002000000d400", 8, 0x890d },
		{ DLT_IEEE802_11_RADIO, "00000700000000", -EINVAL, 0 },
		{ DLT_IEEE802_11_RADIO, "0000070000000000", -EINVAL, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint16_t ethertype;

		CHECK(link_type_is_known(rows[i].linktype));
		CHECK_EQ(skip(rows[i].linktype, rows[i].hex, &ethertype),
			 rows[i].skip);
		if (rows[i].skip >= 0)
			CHECK_EQ(ethertype, rows[i].ethertype);
	}
	CHECK(!link_type_is_known(147));
}

int main(void)
{
	TEST(each_header);
	return TEST_END();
}
