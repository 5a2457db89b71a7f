# SPDX-License-Identifier: ISC
# `make` builds bin/, `make run` and `make run-vm` play the demos, `make check`
# tests.
# V=1 shows the commands. Lists are explicit: a new file is named here.

CC      ?= cc
CFLAGS  ?= -O2 -g
BUILD   ?= build
BIN     ?= bin
PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := 0.1

TOOLS := mirror redirector rewriter compare

SRC_common := chunk frame outq packet flow flow_filter flow_key icmp_quote checksum tcp_option vnet \
	      link_type link_wifi pcapng pcapng_in gzip_in snaplen_in capture_pipe capture_in \
	      stats log stamp nowait nowait_stream file file_use netns peer unix_path clock \
	      endpoint endpoint_all endpoint_carrier endpoint_connect endpoint_dev \
	      endpoint_file endpoint_handle endpoint_hint endpoint_input endpoint_link \
	      endpoint_listen endpoint_null endpoint_option endpoint_output endpoint_packet \
	      endpoint_pcap endpoint_poll endpoint_pump endpoint_rival \
	      endpoint_set endpoint_socket endpoint_spec endpoint_stream endpoint_told \
	      endpoint_tap endpoint_watch spin starter process loop option option_help option_rows option_value own_file record_file record_guard \
	      parser quantity cidr record_table role rpc rpc_check \
	      control control_capture control_client control_flows control_options control_pace control_process \
	      control_spec control_stats control_table failover state_dir \
	      verdict filter frame_filter marker qmp qmp_link vmstate qemu
SRC_ctl        := main ctl_ask ctl_find ctl_json ctl_link ctl_print ctl_prometheus \
		  ctl_runner ctl_signal ctl_status ctl_top ctl_top_ask ctl_top_screen \
		  ctl_top_view ctl_watch
SRC_mirror     := main mirror
SRC_redirector  = main redirector redirector_devs redirector_failover redirector_relay \
		  redirect announce director director_control \
		  director_dest director_options director_rate director_relay director_spec $(SCHEDULE_CORE)
SCHEDULE_CORE  := $(addprefix schedule/,answer claims conn dest fragments \
		  inbound lasting load maglev outbound pick restore ring route \
		  schedule scheduler service slots state tuple turn wheel)
SRC_rewriter    = main rewriter rewriter_flows $(REWRITE_CORE)
REWRITE_CORE   := rewrite rewrite_ahead rewrite_edit rewrite_flow \
		  rewrite_hold rewrite_icmp rewrite_persist \
		  rewrite_record rewrite_segment rewrite_stats \
		  rewrite_track rewrite_translate rewrite_view
SRC_compare     = main $(COMPARE_LIVE) $(COMPARE_DIFF) $(COMPARE_CORE)
COMPARE_CORE   := $(addprefix core/,ack act align arrive clamp compare \
		  connection counters datagram differ evict expire extent flows flush \
		  fragment gap gate hold kind late marks match order pair \
		  past predict relieve repeats repeats_end roster share shed \
		  stream syn take tcp told view waits)
COMPARE_LIVE   := $(addprefix live/,blame budget checkpoint checkpoint_qmp \
		  command epoch feed history live live_config live_epoch live_learn \
		  live_methods live_options live_survey live_verdict \
		  live_wires notify progress quarantine report report_out rules running \
		  tell)
COMPARE_DIFF   := $(addprefix diff/,diff diff_flows diff_found diff_from diff_known \
		  diff_pcap diff_print diff_sums diff_text ignore learn \
		  mend unwrap cut)

# A unit test links its module and what that needs, no more.
UNITS := frame outq checksum tcp_option seq packet flow vnet log quantity spin \
	 endpoint_spec option \
	 role redirect announce director_rate schedule schedule_fault schedulers impair rewrite rewrite_ahead rewrite_hold \
	 rewrite_table rewrite_model compare compare_tcp \
	 compare_gate compare_gso compare_datagram compare_fragment compare_report compare_model \
	 compare_scale compare_hold compare_predict compare_kind compare_order \
	 marker qmp rpc control_pace control_stats control_table control_flows flow_filter vmstate epoch pcapng pcapng_in link_type frame_filter unwrap \
	 ignore learn progress compare_waits compare_share budget blame history tell command quarantine \
	 live_config
UNIT_frame         := common/frame common/chunk
UNIT_outq          := common/outq common/frame common/chunk
UNIT_checksum      := common/checksum
UNIT_tcp_option    := common/tcp_option common/checksum
UNIT_seq           :=
UNIT_packet        := common/packet
UNIT_flow          := common/flow common/flow_key common/packet
UNIT_vnet          := common/vnet common/packet common/checksum common/frame \
		      common/chunk
UNIT_quantity      := common/quantity
UNIT_spin          := common/spin
ENDPOINT_SPEC      := $(addprefix common/,endpoint_spec endpoint_option endpoint_hint parser \
		      cidr quantity)
UNIT_endpoint_spec := $(ENDPOINT_SPEC)
UNIT_option        := common/option common/option_help common/option_rows common/option_value common/control_spec \
		      $(ENDPOINT_SPEC) common/log common/stamp common/nowait \
		      common/role common/own_file
UNIT_log           := common/log common/stamp common/nowait common/stats
UNIT_role          := common/role common/own_file
UNIT_redirect      := redirector/redirect
UNIT_announce      := redirector/announce common/checksum common/chunk
UNIT_director_rate := redirector/director_rate
UNIT_schedule       = $(SCHEDULE_CORE:%=redirector/%) common/flow common/flow_key \
		      common/packet common/icmp_quote common/checksum \
		      common/quantity common/own_file common/record_file common/record_guard \
		      common/record_table
UNIT_schedule_fault = $(UNIT_schedule)
LIBS_schedule_fault := $(addprefix -Xlinker --wrap=,calloc malloc free mmap \
		      munmap flow_add conn_at record_table_place \
		      record_table_is_behind record_table_mend)
UNIT_schedulers    := $(addprefix redirector/schedule/,dest load maglev ring \
		      scheduler slots turn)
UNIT_impair        := tests/impair/impair common/frame common/chunk
UNIT_rewrite        = $(REWRITE_CORE:%=rewriter/%) common/flow \
		      common/flow_key common/packet common/checksum common/tcp_option \
		      common/vnet common/chunk common/frame common/stats common/log common/stamp common/nowait \
		      common/own_file common/record_file common/record_guard \
		      common/record_table common/icmp_quote
UNIT_rewrite_ahead  = $(UNIT_rewrite)
UNIT_rewrite_hold   = $(UNIT_rewrite)
UNIT_rewrite_table  = $(UNIT_rewrite)
UNIT_rewrite_model  = $(UNIT_rewrite)
UNIT_compare        = $(COMPARE_CORE:%=compare/%) common/flow \
		      common/flow_key common/packet common/chunk \
		      common/stats common/log common/stamp common/nowait common/checksum \
		      common/tcp_option common/vnet common/frame
UNIT_compare_tcp      = $(UNIT_compare)
UNIT_compare_gate     = $(UNIT_compare)
UNIT_compare_gso      = $(UNIT_compare)
UNIT_compare_datagram = $(UNIT_compare)
UNIT_compare_fragment = $(UNIT_compare)
UNIT_compare_report   = $(UNIT_compare)
UNIT_compare_predict  = $(UNIT_compare)
UNIT_compare_hold    := compare/core/hold common/frame common/chunk
UNIT_compare_model    = $(UNIT_compare)
UNIT_compare_scale    = $(UNIT_compare)
UNIT_budget          := compare/live/budget
UNIT_history         := compare/live/history
UNIT_command         := compare/live/command
LIBS_command          = $(PKG_LIBS)
UNIT_quarantine      := compare/live/quarantine compare/live/blame common/clock common/stats \
			common/log common/stamp common/nowait common/flow_key common/packet
LIBS_quarantine       = $(PKG_LIBS)
UNIT_live_config     := compare/live/live_config
UNIT_tell            := compare/live/tell common/log common/stamp common/nowait \
			$(UNIT_compare)
UNIT_blame           := compare/live/blame common/flow_key common/packet
UNIT_compare_waits    = $(UNIT_compare)
UNIT_compare_kind     = $(UNIT_compare)
UNIT_compare_share    = $(UNIT_compare)
UNIT_compare_repeats  = $(UNIT_compare)
UNIT_past            := compare/core/past
UNIT_compare_order    = $(UNIT_compare)

UNIT_marker          := common/marker common/chunk
UNIT_qmp             := common/qmp
LIBS_qmp              = $(JANSSON)
UNIT_rpc             := common/rpc common/rpc_check
LIBS_rpc              = $(MSGPACK_LIBS)
UNIT_control_pace    := common/control_pace
UNIT_control_stats   := common/control_stats common/rpc common/rpc_check common/stats common/log common/stamp common/nowait
LIBS_control_stats    = $(MSGPACK_LIBS)
UNIT_control_table   := common/control_table common/rpc common/rpc_check
LIBS_control_table    = $(MSGPACK_LIBS)
UNIT_control_flows   := common/control_flows common/control_table common/rpc common/rpc_check \
			common/flow common/flow_filter common/flow_key common/packet common/quantity
LIBS_control_flows    = $(MSGPACK_LIBS)
UNIT_flow_filter     := common/flow_filter common/quantity common/flow_key common/packet
UNIT_vmstate         := common/vmstate
UNIT_epoch           := compare/live/epoch common/chunk
UNIT_pcapng          := common/pcapng
UNIT_pcapng_in       := common/pcapng_in
UNIT_link_type       := common/link_type common/link_wifi
UNIT_frame_filter    := common/frame_filter
LIBS_frame_filter     = $(PCAP)
UNITS += mend past compare_repeats
UNIT_mend            := compare/diff/mend common/packet common/chunk \
			common/tcp_option common/checksum
UNIT_unwrap          := compare/diff/unwrap common/packet common/chunk
UNIT_ignore          := compare/diff/ignore common/frame_filter
LIBS_ignore           = $(PCAP)
UNIT_learn           := compare/diff/learn
UNIT_progress        := compare/live/progress common/log common/stamp common/nowait

# What a fuzzer needs, that is a harness of tests/fuzz.
FUZZ := frame packet vnet endpoint_spec rewrite rewrite_icmp \
	rewrite_table compare capture qmp control ctl schedule
FUZZ_frame         := $(UNIT_frame)
FUZZ_packet        := common/flow common/flow_key common/packet common/chunk \
		      compare/diff/unwrap
FUZZ_vnet          := $(UNIT_vnet)
FUZZ_endpoint_spec := $(UNIT_endpoint_spec)
FUZZ_rewrite       := $(UNIT_rewrite)
FUZZ_rewrite_icmp  := $(UNIT_rewrite)
FUZZ_rewrite_table := $(UNIT_rewrite)
FUZZ_compare       := $(UNIT_compare) $(COMPARE_DIFF:%=compare/%) common/file \
		      common/flow_filter common/quantity common/pcapng common/frame_filter
LIBS_fuzz_compare   = $(PCAP)
FUZZ_capture       := $(SRC_common:%=common/%)
LIBS_fuzz_capture   = $(PKG_LIBS)
FUZZ_qmp           := common/qmp common/vmstate
LIBS_fuzz_qmp       = $(JANSSON)
FUZZ_control       := $(SRC_common:%=common/%) $(filter-out compare/main,$(SRC_compare:%=compare/%))
LIBS_fuzz_control   = $(PKG_LIBS)
FUZZ_ctl           := $(addprefix common/ctl/,$(filter-out main ctl_top_screen ctl_top,$(SRC_ctl))) common/rpc common/rpc_check
LIBS_fuzz_ctl       = $(JANSSON) $(MSGPACK_LIBS)
FUZZ_schedule       = $(UNIT_schedule) common/chunk

# What tests and examples are driven with; they may use the library.
PROGRAMS := tests/frames tests/replicas tests/noisy tests/colo-impair \
	    tests/qmp-peer tests/transfer examples/failover/fetch \
	    examples/balance/load tests/bench/bench \
	    tests/bench/pump tests/bench/schedule tests/ipvs/oracle
PROGRAM_tests/frames := tests/frames
PROGRAM_tests/replicas := tests/replicas
PROGRAM_tests/noisy := tests/noisy
PROGRAM_tests/qmp-peer := tests/qmp-peer
PROGRAM_tests/transfer := tests/transfer
PROGRAM_tests/colo-impair := tests/impair/main tests/impair/impair
PROGRAM_examples/failover/fetch := examples/failover/fetch
PROGRAM_examples/balance/load := examples/balance/load
PROGRAM_tests/bench/bench := tests/bench/main tests/bench/drive \
			     tests/bench/process tests/bench/traffic
PROGRAM_tests/bench/pump := tests/bench/pump
PROGRAM_tests/bench/schedule = tests/bench/schedule $(SCHEDULE_CORE:%=redirector/%)
PROGRAM_tests/ipvs/oracle = tests/ipvs/oracle tests/ipvs/both tests/ipvs/guest \
			    $(SCHEDULE_CORE:%=redirector/%)

PRELOADED := clock-step slow-names

# The tools are optimised across their modules. gcc's objects can do without,
# so that what only tests links fast; clang's could not. LTO= turns it off.
LTO ?= $(if $(findstring clang,$(shell $(CC) --version)),,\
	 -flto=auto -ffat-lto-objects)
LTO := $(LTO)

# what clangd and clang-tidy read, too: the standard and the warnings
BASE := $(filter-out -DCOLO_VERSION%,$(shell cat compile_flags.txt))
SANITIZE := -O1 -g -fno-sanitize-recover=all -fno-omit-frame-pointer \
	    -fsanitize=address,undefined

PKG_CONFIG ?= pkg-config
# msgpack-c is called msgpack before its version 6
MSGPACK    := $(shell $(PKG_CONFIG) --exists msgpack-c 2>/dev/null && \
		echo msgpack-c || echo msgpack)
PKGS       := libuv libpcap libxxhash jansson ncursesw zlib $(MSGPACK)
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(filter-out ncursesw,$(PKGS)) 2>/dev/null)
PKG_LIBS   := -Wl,--as-needed \
	      $(shell $(PKG_CONFIG) --libs libuv libpcap jansson zlib $(MSGPACK) 2>/dev/null)
JANSSON    := $(shell $(PKG_CONFIG) --libs jansson 2>/dev/null)
NCURSES    := $(shell $(PKG_CONFIG) --libs ncursesw 2>/dev/null)
MSGPACK_LIBS := $(shell $(PKG_CONFIG) --libs $(MSGPACK) 2>/dev/null)
PCAP       := $(shell $(PKG_CONFIG) --libs libpcap 2>/dev/null)

# What is missing is said by the first recipe that needs it, in one line and
# with the name of Debian's package: `make clean` and `make deps` need nothing.
DEBIAN_libuv     := libuv1-dev
DEBIAN_libpcap   := libpcap-dev
DEBIAN_libxxhash := libxxhash-dev
DEBIAN_jansson   := libjansson-dev
DEBIAN_msgpack   := libmsgpack-dev
DEBIAN_ncursesw  := libncurses-dev
DEBIAN_zlib      := zlib1g-dev
MISSING    := $(shell $(PKG_CONFIG) --version >/dev/null 2>&1 || \
		{ echo $(PKG_CONFIG); exit; }; \
		for p in $(PKGS); do $(PKG_CONFIG) --exists $$p || echo $$p; done)
need_libs   = $(if $(MISSING),$(error missing: $(MISSING). Debian calls it \
	      $(foreach p,$(MISSING),$(or $(DEBIAN_$(p)),pkg-config)); \
	      `make deps-build` installs it))

# These make it harder to turn a fault into an intrusion; HARDEN= builds without.
# CFLAGS replaces -O2 -g and leaves these. _FORTIFY_SOURCE needs an optimisation
# and no sanitizer; its level is the highest that the C library grants to this
# compiler, and one that the user names stays.
HARDEN ?= 1
ifneq ($(HARDEN),)
HARDEN_CC := -fPIE -fstack-protector-strong
HARDEN_LD := -pie -Wl,-z,relro,-z,now,-z,noexecstack
IS_FAST   := $(filter-out -O0,$(lastword $(filter -O%,$(CFLAGS))))
ifeq ($(findstring -fsanitize,$(CFLAGS))$(findstring _FORTIFY_SOURCE,$(CPPFLAGS) $(CFLAGS)),)
FORTIFY   := $(if $(IS_FAST),$(shell echo | $(CC) -x c -O2 -U_FORTIFY_SOURCE \
	     -D_FORTIFY_SOURCE=3 -include features.h -E -dM - 2>/dev/null | \
	     sed -n 's/^.define __USE_FORTIFY_LEVEL //p'))
HARDEN_CC += $(if $(FORTIFY),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$(FORTIFY))
endif
endif

ALL_CFLAGS := $(BASE) -DCOLO_VERSION='"$(VERSION)"' $(PKG_CFLAGS) \
	      $(HARDEN_CC) $(CPPFLAGS) $(CFLAGS)
LINK       := $(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS)

# what make gives to a make that builds: all processors, unless -j says otherwise
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc)) -Otarget

Q    := $(if $(V),,@)
say   = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))

.PHONY: all programs run run-many run-matrix run-balance run-vm run-pacemaker vm check tested check-unit check-bats \
	check-asan check-ipvs soak bench fuzz lint graph graph-objects tags deps install uninstall dist deb clean
.DELETE_ON_ERROR:

all: $(TOOLS:%=$(BIN)/colo-%) $(BIN)/colo-ctl $(BIN)/colo-run

programs: $(PROGRAMS:%=$(BUILD)/%) $(PRELOADED:%=$(BUILD)/tests/%.so)

# --- building ---

objs = $(SRC_$(1):%=$(BUILD)/$(1)/%.o)

$(BUILD)/%.o: %.c Makefile
	$(need_libs)$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LTO) -MMD -MP -c -o $@ $<

$(BUILD)/libcolo.a: $(call objs,common)
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

define tool_rule
$$(BIN)/colo-$(1): $$(call objs,$(1)) $$(BUILD)/libcolo.a
	$$(call say,LD,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(LINK) $$(LTO) -o $$@ $$^ $$(PKG_LIBS)
endef
$(foreach t,$(TOOLS),$(eval $(call tool_rule,$(t))))

# no other program has a screen
$(BUILD)/common/ctl/ctl_top_screen.o: ALL_CFLAGS += \
	$(shell $(PKG_CONFIG) --cflags ncursesw 2>/dev/null)

$(BIN)/colo-ctl: $(SRC_ctl:%=$(BUILD)/common/ctl/%.o) $(BUILD)/libcolo.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) $(LTO) -o $@ $^ $(PKG_LIBS) $(NCURSES)

# the runner is a script; it looks for the programs beside itself
$(BIN)/colo-run: examples/colo-run Makefile
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)sed 's/@VERSION@/$(VERSION)/' $< >$@ && chmod +x $@

define unit_rule
$$(BUILD)/unit/$(1): $$(BUILD)/tests/unit/$(1)_test.o $$(UNIT_$(1):%=$$(BUILD)/%.o)
	$$(call say,LD,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(LINK) -fno-lto -o $$@ $$^ $$(LIBS_$(1))
endef
$(foreach u,$(UNITS),$(eval $(call unit_rule,$(u))))

# a harness without libFuzzer: it is given its seeds only
define replay_rule
$$(BUILD)/replay/$(1): $$(BUILD)/tests/fuzz/$(1)_fuzz.o $$(BUILD)/tests/fuzz/replay.o \
		$$(FUZZ_$(1):%=$$(BUILD)/%.o)
	$$(call say,LD,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(LINK) -fno-lto -o $$@ $$^ $$(LIBS_fuzz_$(1))
endef
$(foreach f,$(FUZZ),$(eval $(call replay_rule,$(f))))

define program_rule
$$(BUILD)/$(1): $$(PROGRAM_$(1):%=$$(BUILD)/%.o) $$(BUILD)/libcolo.a
	$$(call say,LD,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(LINK) -fno-lto -o $$@ $$^ $$(PKG_LIBS)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program_rule,$(p))))

# preloaded into what is tested, and no part of it: no sanitizer here
$(PRELOADED:%=$(BUILD)/tests/%.so): $(BUILD)/tests/%.so: tests/%.c Makefile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(BASE) -O2 -shared -fPIC -o $@ $<

-include $(shell find $(BUILD) -type f -name '*.d' 2>/dev/null)

# --- the demo ---

run: deps-build deps-run
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) all $(BUILD)/examples/failover/fetch
	$(Q)COLO_BIN=$(abspath $(BIN)) COLO_BUILD=$(abspath $(BUILD)) \
		examples/failover/run --svg $(BUILD)/failover.svg

# The same N times, each time with the options CUT; BUSY=4 keeps the processors
# busy beside it.
run-many: deps-build deps-run
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) all $(BUILD)/examples/failover/fetch
	$(Q)COLO_BIN=$(abspath $(BIN)) COLO_BUILD=$(abspath $(BUILD)) \
		BUSY=$(BUSY) tests/many $(or $(N),100) examples/failover/run $(CUT)

# Other connections, guests and ways to die: RUNS of each, with the options CUT
# of tests/cut-scene; QUICK=1 plays some of it only.
run-matrix: deps-build deps-run
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) all programs
	$(Q)COLO_BIN=$(abspath $(BIN)) COLO_BUILD=$(abspath $(BUILD)) \
		BUSY=$(BUSY) tests/cut-matrix $(or $(RUNS),1) $(CUT)

# Three pairs behind one address, with OPTIONS of examples/balance/run;
# with N so often.
run-balance: deps-build deps-run
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) all $(BUILD)/examples/balance/load
	$(Q)COLO_BIN=$(abspath $(BIN)) COLO_BUILD=$(abspath $(BUILD)) BUSY=$(BUSY) \
		$(if $(N),tests/many $(N)) examples/balance/run $(OPTIONS)

# The same with two real VMs; SCENES plays some of it only. The guest is not for
# sanitizers, nor is what is preloaded into QEMU: one place for all builds.
VM       := build/examples/qemu-colo
VM_FLAGS  = $(filter-out -fsanitize% -fno-sanitize%,$(ALL_CFLAGS))
VM_GUEST := $(wildcard examples/qemu-colo/guest/*)

run-vm: deps-build deps-vm
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) all vm
	$(Q)COLO_BIN=$(abspath $(BIN)) examples/qemu-colo/run $(SCENES)

# Needs root: the same under Pacemaker, two nodes in namespaces.
run-pacemaker: deps-build deps-pacemaker
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) all vm
	$(Q)COLO_BIN=$(abspath $(BIN)) examples/pacemaker/run $(SCENES)

vm: $(VM)/talk $(VM)/tcg.so $(VM)/ipvs-agent $(VM)/guest/initramfs.gz

$(VM)/talk: examples/qemu-colo/talk.c Makefile
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(VM_FLAGS) -static -o $@ $<

$(VM)/ipvs-agent: tests/ipvs/agent.c tests/ipvs/wire.h Makefile
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(VM_FLAGS) -static -o $@ $<

$(VM)/tcg.so: examples/qemu-colo/tcg.c Makefile
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(VM_FLAGS) -shared -fPIC -o $@ $<

$(VM)/guest/initramfs.gz: $(VM)/talk $(VM_GUEST)
	$(call say,VM,$@)
	$(Q)TALK=$(abspath $<) examples/qemu-colo/guest/build $(@D)

# The kernel's IPVS and our scheduler choose for the same connections: N of each
# scheduler, from SEED.
check-ipvs: deps-build deps-vm
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) $(BUILD)/tests/ipvs/oracle vm
	$(Q)COLO_BUILD=$(abspath $(BUILD)) tests/ipvs/run $(or $(N),2000) $(SEED)

# --- testing ---

# T='12 45' are the files whose names begin so; those of WITHOUT are left out
BATS := $(filter-out $(WITHOUT:%=tests/%-%),$(sort \
	$(wildcard $(or $(T:%=tests/%*.bats),tests/*.bats) \
	$(if $(SOAK_N),tests/soak/*.bats))))

KEEPS_GOING = $(findstring k,$(filter-out --%,$(firstword -$(MAKEFLAGS))))

# make again: what deps installed is seen by a new make only
check: deps-build deps-check
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) tested
	$(Q)status=0; \
	$(MAKE) --no-print-directory $(PARALLEL) check-unit || status=1; \
	[ "$${status}$(KEEPS_GOING)" != 1 ] || exit 1; \
	$(MAKE) --no-print-directory check-bats || status=1; \
	exit $$status

# a test that nobody runs is no test
UNLISTED = $(filter-out $(UNITS),$(patsubst tests/unit/%_test.c,%,$(wildcard tests/unit/*_test.c))) \
	   $(filter-out $(FUZZ:%=fuzz/%),$(patsubst tests/fuzz/%_fuzz.c,fuzz/%,$(wildcard tests/fuzz/*_fuzz.c)))

# U='flow packet' are those units, and no seeds
U_RUN := $(or $(U),$(UNITS))
F_RUN := $(if $(U),,$(FUZZ))

tested: all programs vm $(U_RUN:%=$(BUILD)/unit/%) $(F_RUN:%=$(BUILD)/replay/%)

check-unit: $(U_RUN:%=unit-%) $(F_RUN:%=replay-%)
	$(if $(strip $(UNLISTED)),$(error not in UNITS or FUZZ: $(UNLISTED)))

.PHONY: $(UNITS:%=unit-%) $(FUZZ:%=replay-%)
$(UNITS:%=unit-%): unit-%: $(BUILD)/unit/%
	$(Q)echo "# unit $*"; $<

$(FUZZ:%=replay-%): replay-%: $(BUILD)/replay/%
	$(Q)echo "# replay $*"; $< tests/fuzz/corpus/$*

# Most tests wait most of the time: JOBS of them run beside each other. The file that
# takes longest begins first, so that the others run beside it and nobody waits for it
# at the end.
JOBS  ?= $(shell expr $$(nproc) + 2)
FIRST := $(filter tests/59-%,$(BATS))
run_bats = COLO_BIN=$(abspath $(BIN)) COLO_BUILD=$(abspath $(BUILD)) bats --tap --timing --print-output-on-failure \
	   $(if $(filter-out 1,$(JOBS)),-j $(JOBS))

check-bats: all programs vm
	$(if $(BATS),,$(error no tests/$(T)*.bats))
	$(Q)$(run_bats) $(FIRST) $(filter-out $(FIRST),$(BATS))

# Leaks, overruns and undefined behaviour end the program that has them. These
# files are about scripts, texts and the Makefile: `make check` is enough for them.
NOT_IN_C := 25 27 59 60 62 64

check-asan:
	$(Q)$(MAKE) BUILD=build/asan BIN=build/asan/bin CFLAGS='$(SANITIZE)' LTO= \
		$(if $(T),,WITHOUT='$(NOT_IN_C)') check

# the randomised tests with N rounds, and those of tests/soak
soak: export SOAK_N = $(or $(N),100000)
soak: check

# How fast, beside QEMU and a program that does nothing: tests/bench/README.md.
# RUNS=1 QUICK=1 is the short one, TARGETS=1 has only the rows with a target:
# they are printed and leave RESULTS.md alone.
RESULTS := tests/bench/RESULTS.md
export RUNS QUICK TARGETS

bench: deps-build deps-check
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) all programs
	$(Q)COLO_BIN=$(abspath $(BIN)) COLO_BENCH=$(abspath $(BUILD))/tests/bench \
		tests/bench/run >$(BUILD)/results.md
	$(if $(QUICK)$(TARGETS),$(Q)cat $(BUILD)/results.md,$(Q)mv $(BUILD)/results.md $(RESULTS))

# libFuzzer, FUZZ_S seconds each: new inputs grow from those of tests/fuzz/corpus.
# What it finds lies in build/fuzz; at the end the lines that were reached.
FUZZ_S ?= 30

fuzz: deps-lint
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) $(FUZZ:%=fuzz-%)

.PHONY: $(FUZZ:%=fuzz-%)
$(FUZZ:%=fuzz-%): fuzz-%: $(BUILD)/fuzz/%
	$(Q)tests/fuzz/run $< $(FUZZ_S)

FUZZ_CC = clang $(ALL_CFLAGS) -U_FORTIFY_SOURCE $(SANITIZE),fuzzer -fprofile-instr-generate \
	  -fcoverage-mapping

$(BUILD)/fuzz/objects/%.o: %.c Makefile
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(FUZZ_CC) -MMD -MP -c -o $@ $<

define fuzz_rule
$$(BUILD)/fuzz/$(1): $$(BUILD)/fuzz/objects/tests/fuzz/$(1)_fuzz.o \
		$$(FUZZ_$(1):%=$$(BUILD)/fuzz/objects/%.o)
	$$(call say,LD,$$@)
	$$(Q)$$(FUZZ_CC) -o $$@ $$^ $$(LIBS_fuzz_$(1))
endef
$(foreach f,$(FUZZ),$(eval $(call fuzz_rule,$(f))))

lint: deps-lint
	$(Q)tests/lint

# Who calls and includes whom, and what breaks the rules: tests/graph --help.
# G=compare/core is that folder, G=-q prints only what is wrong. The objects are
# others than the programs': -flto leaves no symbols to look at.
GRAPH = $(foreach d,common $(TOOLS),$(call objs,$(d))) $(SRC_ctl:%=$(BUILD)/common/ctl/%.o)

graph:
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) BUILD=build/graph LTO= HARDEN= \
		CFLAGS=-O0 graph-objects
	$(Q)tests/graph $(filter -q,$(G)) build/graph $(filter-out -q,$(G))

graph-objects: $(GRAPH)

tags:
	$(call say,TAGS,$@)
	$(Q)ctags -R --languages=C,C++ --exclude=build -f $@ .

# --- what has to be there ---

deps: deps-build deps-run deps-vm deps-pacemaker deps-check deps-lint deps-deb

deps-%:
	$(Q)tests/deps $*

# --- installing ---

# Each FILE:PLACE, that is all that install puts somewhere and uninstall removes.
# Pacemaker looks for agents in /usr/lib/ocf, whatever PREFIX is.
OCFDIR   ?= $(PREFIX)/lib/ocf/resource.d
SHARE    := $(PREFIX)/share
RUN      := $(TOOLS:%=$(BIN)/colo-%) $(BIN)/colo-ctl $(BIN)/colo-run
MAN      := $(wildcard */colo-*.[1-8] common/ctl/*.[1-8])
AGENT    := examples/pacemaker/colo $(wildcard examples/pacemaker/*.bash examples/pacemaker/*.proc)
DOCS      = README.md NEWS.md LICENSE $(shell find examples \
	    ! -path 'examples/colo-run*' ! -type d ! -name '.*' ! -name '*~')
INSTALLED = $(foreach f,$(RUN),$(f):$(PREFIX)/bin/$(notdir $(f)) \
		common/colo-completion.bash:$(SHARE)/bash-completion/completions/$(notdir $(f))) \
	    $(foreach f,$(MAN),$(f):$(SHARE)/man/man$(subst .,,$(suffix $(f)))/$(notdir $(f))) \
	    $(foreach f,$(AGENT),$(f):$(OCFDIR)/colo-pipe/$(notdir $(f))) \
	    $(foreach f,$(DOCS),$(f):$(SHARE)/doc/colo-pipe/$(f))
OWN_DIRS := $(OCFDIR)/colo-pipe $(SHARE)/doc/colo-pipe

install: all
	$(Q)set -e; for f in $(INSTALLED); do \
		mode=644; [ ! -x "$${f%%:*}" ] || mode=755; \
		install -D -m $$mode "$${f%%:*}" "$(DESTDIR)$${f#*:}"; done
	$(call say,IN,"$(DESTDIR)$(PREFIX)")

# what others put into directories of ours stays, and they stay with it
uninstall:
	$(Q)for f in $(INSTALLED); do rm -f "$(DESTDIR)$${f#*:}"; done
	$(Q)for d in $(OWN_DIRS); do [ ! -d "$(DESTDIR)$$d" ] || \
		find "$(DESTDIR)$$d" -depth -type d -empty -delete; done

# the tree as it was committed: the same bytes whoever makes it
dist: TARBALL := $(BUILD)/colo-pipe-$(VERSION).tar
dist:
	$(Q)mkdir -p $(BUILD)
	$(Q)git -c tar.umask=022 archive --prefix=colo-pipe-$(VERSION)/ -o $(TARBALL) HEAD
	$(Q)gzip -9nf $(TARBALL)
	$(call say,DIST,$(TARBALL).gz)

# Debian's package, looked at by lintian and installed into a copy of this system
deb: deps-build deps-deb
	$(Q)tests/deb $(BUILD)/deb

clean:
	rm -rf build bin tags
