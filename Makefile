# Clarity webhooks for nginx.
#
#   make            the nginx module, clarity-worker and clarityctl, in build/
#   make run        the demo: Redis, nginx, a worker; Ctrl-C ends it
#                     PORT=8080  RUN_DIR=build/run, also as environment
#   make test       unit tests, t/*.t, the settings page in Chromium
#                     (t/browser), which BROWSER_TESTS= leaves out, and the
#                     Postman collection (t/postman; POSTMAN_TESTS= the same)
#   make browser    the settings page in Chromium alone
#   make postman    the Postman collection alone
#   make test-long  t/long/*.t: faults under load, for minutes
#   make test-timed the tests that measure times, one at a time and with the
#                     limits that are promised; make test gives them more
#   make torture    workers and Redis killed, stopped and cut off under jobs,
#                     and a history checker; TORTURE_SECONDS=180, SEED=
#   make test-all   all of these, and valgrind, sanitizers, the module built
#                     into nginx, mutants, a bare Debian 12
#   make unit       the unit tests alone
#   make deps       installs what is missing; YES=1 does not ask
#   make check      format, include rules, cppcheck, clang-tidy
#   make asan       make test and make test-long with the address and
#                     undefined sanitizers
#   make valgrind   the unit tests, and nginx, clarity-worker and clarityctl in
#                     some of t/*.t and in t/long, under valgrind
#   make coverage   which lines the tests run: a table, by folder
#   make bench      what a request costs, beside the peers and the limits
#   make bench-memory  what a job costs of Redis' memory; a million of them,
#                   which takes a quarter of an hour
#   make fuzz       each target of t/fuzz, a minute (FUZZ_SECONDS=60)
#   make install    PREFIX=/usr/local, DESTDIR=; and see below
#   make deb        Debian's packages, in build/deb; see debian/
#   make clean
#
# Everything is built below $(BUILD). CFLAGS, CPPFLAGS, LDFLAGS add to the
# flags that the code needs; HARDEN= and SANITIZE= replace theirs.

BUILD    = build
NGX_SRC  = /usr/share/nginx/src
JOBS    := $(shell nproc)

CFLAGS   = -g -O2
HARDEN   = -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
           -fstack-clash-protection -Wformat -Werror=format-security
SANITIZE =

WARN     = -Wall -Wextra -Werror
WARN_OWN = $(WARN) -Wshadow -Wstrict-prototypes -Wmissing-prototypes

OWN_CFLAGS  = -std=gnu11 -fPIC -I. -Iinclude $(WARN_OWN) $(HARDEN) $(SANITIZE)
OWN_LDFLAGS = -Wl,-z,relro,-z,now -Wl,--as-needed $(SANITIZE)

# hiredis and yajl are linked statically: see config.
LIBS = -l:libyajl_s.a -l:libhiredis.a -levent -lcurl -lpcre2-8 -lcrypto

MODULE  = $(BUILD)/ngx_http_clarity_webhook_module.so
LIBRARY = $(BUILD)/libclarity.a
WORKER  = $(BUILD)/clarity-worker
CTL     = $(BUILD)/clarityctl
LOAD    = $(BUILD)/load
TIMING  = $(BUILD)/timing
ENDPOINT = $(BUILD)/endpoint
KILLED     = $(BUILD)/kill-points/clarity-worker
TEST_TOOLS = $(LOAD) $(ENDPOINT) $(KILLED)

# The SDK: what a program of somebody else links.
SDK_A   = $(BUILD)/libclarity_worker.a
SDK_SO  = $(BUILD)/libclarity_worker.so
SDK_MAP = worker/libclarity_worker.map
VERSION := $(shell sed -n 's/.*CLARITY_VERSION "\(.*\)"/\1/p' conf/version.h)

# `make install`: each can be set, DESTDIR goes before all of them.
DESTDIR     =
PREFIX      = /usr/local
BINDIR      = $(PREFIX)/bin
LIBDIR      = $(PREFIX)/lib
INCLUDEDIR  = $(PREFIX)/include
DATADIR     = $(PREFIX)/share/clarity
MANDIR      = $(PREFIX)/share/man
NGX_MODULES = /usr/lib/nginx/modules

LIBRARY_DIRS := json webhook job redis workflow conf
LIBRARY_SRCS := $(wildcard $(addsuffix /*.c,$(LIBRARY_DIRS)))
WORKER_SRCS  := $(filter-out worker/sdk.c worker/sdk_call.c,$(wildcard worker/*.c))
SDK_SRCS     := $(filter-out worker/main.c,$(wildcard worker/*.c))
CTL_SRCS     := $(wildcard cli/*.c)
UNIT_SRCS    := $(wildcard t/unit/test_*.c)
LOAD_SRCS    := $(wildcard t/load/*.c)
ENDPOINT_SRCS := $(wildcard t/endpoint/*.c)
FUZZ_SRCS    := $(wildcard t/fuzz/*.c)
MODULE_DIRS  := ngx_http_clarity_webhook_module json webhook job redis
MODULE_FILES := $(wildcard $(addsuffix /*.[ch],$(MODULE_DIRS)))

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
UNIT    = $(patsubst t/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRCS))

FUZZ    = $(patsubst t/fuzz/fuzz_%.c,%,$(wildcard t/fuzz/fuzz_*.c))
REPLAY  = $(addprefix $(BUILD)/fuzz/replay_,$(FUZZ))

NGX_MAKEFILE = $(BUILD)/nginx/Makefile

# nginx's configure and make both split their lists at white space.
ifneq ($(words $(CURDIR)),1)
$(error the path "$(CURDIR)" holds white space, which nginx's build cannot \
  take: move the source tree)
endif

.DELETE_ON_ERROR:
.PHONY: install all run test test-all unit deps check asan valgrind bench clean

# The recipes of nothing keep make from saying that there is nothing to do,
# where that is a step on the way to something else.

all: $(MODULE) $(WORKER) $(CTL) $(SDK_A) $(SDK_SO)
	@:

# The compiler itself may be missing before `deps` has run, hence a make of
# its own for what follows it. PORT and RUN_DIR are for demo/run alone, which
# has their defaults: make hands on what it got, as argument or environment.

run:
	@scripts/deps build run
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@BUILD=$(BUILD) exec demo/run

# One Chromium at a time: it takes all the processors that it finds.
PROVE = CLARITY_BUILD=$(BUILD) CMOCKA_MESSAGE_OUTPUT=TAP \
        prove -j$(JOBS) -I t/lib --rules='seq=t/browser/*' --rules='par=**'

BROWSER_TESTS = $(wildcard t/browser/*.t)
POSTMAN_TESTS = $(wildcard t/postman/*.t)

# What else they need: packages of Debian's, and of npm's.
NODE_GROUPS = $(if $(BROWSER_TESTS),browser) $(if $(POSTMAN_TESTS),postman)

# Where npm cannot bring what some tests need they fail, and say so; the others
# can still tell what they have to tell.
test:
	@scripts/deps build run test $(NODE_GROUPS)
	@$(MAKE) --no-print-directory -j$(JOBS) all build-unit $(TEST_TOOLS)
	@$(if $(strip $(NODE_GROUPS)),-$(MAKE) --no-print-directory -k \
	    $(addsuffix -modules,$(NODE_GROUPS)))
	@$(PROVE) $(BROWSER_TESTS) $(POSTMAN_TESTS) $(UNIT) $(wildcard t/*.t)

# What sanitizers and valgrind have nothing to say of.
UNRELATED_TESTS = t/long/deb.t t/long/memory.t
LONG_TESTS      = $(wildcard t/long/*.t) t/hostile.t

# One after the other: they load the machine, and measure times.
.PHONY: test-long
test-long:
	@scripts/deps build run test deb
	@$(MAKE) --no-print-directory -j$(JOBS) all $(TEST_TOOLS)
	@CLARITY_LONG=1 CLARITY_ALONE=1 $(PROVE) -j1 $(LONG_TESTS)

# Where others run beside them, limits of a second say nothing.
.PHONY: test-timed
test-timed:
	@scripts/deps build run test
	@$(MAKE) --no-print-directory -j$(JOBS) all $(TEST_TOOLS)
	@CLARITY_ALONE=1 $(PROVE) -j1 $$(grep -l '[^a-z_]limit(' t/*.t)

# t/torture.t for longer. The seed is printed: SEED= repeats its choices.
TORTURE_SECONDS = 180
SEED            =

.PHONY: torture
torture:
	@scripts/deps build run test
	@$(MAKE) --no-print-directory -j$(JOBS) all $(TEST_TOOLS)
	@CLARITY_TORTURE=$(TORTURE_SECONDS) $(if $(SEED),CLARITY_SEED=$(SEED)) \
	    $(PROVE) -v t/torture.t

# What npm installs for the tests in t/FOLDER; its lock file has the digests.
NODE_MODULES = $(BUILD)/$(1)/node_modules/.package-lock.json
NODE_FILES   = package.json package-lock.json .npmrc

.PHONY: browser postman
browser postman:
	@scripts/deps build run test $@
	@$(MAKE) --no-print-directory -j$(JOBS) all $@-modules
	@$(PROVE) $(wildcard t/$@/*.t)

.PHONY: browser-modules postman-modules
browser-modules postman-modules: %-modules: $(call NODE_MODULES,%)
	@:

$(call NODE_MODULES,%): $(addprefix t/%/,$(NODE_FILES))
	@mkdir -p $(BUILD)/$*
	cp $^ $(BUILD)/$*
	cd $(BUILD)/$* && npm ci --ignore-scripts
	@touch $@

# What these start is a make of its own, which options of this one mislead.
ALONE = env -u MAKEFLAGS -u MAKEOVERRIDES BUILD=$(BUILD)

test-all: test
	@$(MAKE) --no-print-directory test-timed
	@$(MAKE) --no-print-directory test-long
	@$(MAKE) --no-print-directory valgrind
	@$(MAKE) --no-print-directory asan
	@$(MAKE) --no-print-directory test-static
	@$(ALONE) t/mutants
	@if [ "$$(id -u)" -eq 0 ] && command -v debootstrap >/dev/null; then \
	    $(ALONE) t/bare-root; \
	else \
	    echo "t/bare-root is skipped: it needs root and debootstrap."; \
	fi

# `make test` skips it for want of nginx's source, which is fetched here.
NGX_TREE = $(abspath $(BUILD)/nginx-source)

.PHONY: test-static
test-static:
	@[ -n "$$CLARITY_NGINX_SOURCE" ] || scripts/nginx-source $(NGX_TREE)
	@CLARITY_NGINX_SOURCE="$${CLARITY_NGINX_SOURCE:-$(NGX_TREE)}" \
	    $(PROVE) t/static-build.t

.PHONY: build-unit
build-unit: $(UNIT) $(REPLAY)
	@:

unit: $(UNIT)
	@$(PROVE) $(UNIT)

deps:
	@scripts/deps build run test
	@echo "All that building, running and testing needs is installed."

check:
	@scripts/deps build check
	@$(MAKE) --no-print-directory -s -j$(JOBS) $(LIBRARY) $(NGX_MAKEFILE)
	@BUILD=$(BUILD) NGX_SRC=$(NGX_SRC) scripts/check

ASAN_MAKE = $(MAKE) --no-print-directory BUILD=$(BUILD)/asan HARDEN= \
    BROWSER_TESTS= POSTMAN_TESTS= CFLAGS='-g -O1 -fno-omit-frame-pointer' \
    SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all'

asan:
	@$(ASAN_MAKE) test
	@$(ASAN_MAKE) test-long \
	    LONG_TESTS='$(filter-out $(UNRELATED_TESTS),$(LONG_TESTS))'

# A failed test leaves its counts too, so the table is printed in any case. A
# process writes its own as it exits, nginx's workers as well; one that is
# killed does not. Counts of an earlier run are dropped. Warnings are let pass:
# gcc has false ones without -O.
COVERAGE       = $(BUILD)/coverage
COVERAGE_TESTS = $(wildcard t/*.t)
COVERAGE_MAKE  = $(MAKE) --no-print-directory BUILD=$(COVERAGE) HARDEN= \
    CFLAGS='-g -O0' SANITIZE='--coverage -fprofile-update=atomic' \
    WARN='-Wall -Wextra'

.PHONY: coverage coverage-prove
coverage:
	@scripts/deps build run test
	@$(COVERAGE_MAKE) -j$(JOBS) all build-unit \
	    $(patsubst $(BUILD)/%,$(COVERAGE)/%,$(TEST_TOOLS))
	@find $(COVERAGE) -name '*.gcda' -delete
	@status=0; \
	    $(COVERAGE_MAKE) coverage-prove || status=$$?; \
	    scripts/coverage $(COVERAGE) && exit $$status

coverage-prove:
	@$(PROVE) $(UNIT) $(COVERAGE_TESTS)

# Those in which jobs end in all their ways, and those who do them. A tenth of
# the speed is too little for what is measured in the others.
VALGRIND_WORKER_TESTS = t/worker.t t/sdk.t $(addprefix t/worker-,audit.t \
    cut-off.t delayed.t exec.t group.t http.t job-failed.t listen.t log.t \
    pinned.t poison.t publish.t published.t redis.t reload.t secrets.t start.t \
    stop.t takeover.t unknown-outcome.t waiting.t workflows.t zombie.t)

# Those in which requests, connections and processes end in all their ways.
# What t/long has for longer is there.
VALGRIND_TESTS = $(addprefix t/,webhook.t refusals.t reload.t \
    binary-upgrade.t client-gone.t cut-replies.t disk-full.t hostile.t \
    durability-replicas.t durability.t exiting.t idempotency-under-load.t \
    idempotency.t log-lines.t many-redis.t max-pending.t process-stopped.t \
    queue-limit.t redis-astray.t redis-away.t redis-cut.t redis-limits.t \
    redis-meta.t shutdown-timeout.t under-load.t) \
    $(VALGRIND_WORKER_TESTS) $(wildcard t/clarityctl*.t) \
    $(filter-out $(UNRELATED_TESTS),$(wildcard t/long/*.t))

valgrind:
	@scripts/deps build run test valgrind
	@$(MAKE) --no-print-directory -j$(JOBS) all build-unit $(TEST_TOOLS)
	@set -e; for test in $(UNIT); do \
	    valgrind -q --leak-check=full --error-exitcode=1 $$test; done
	@CLARITY_VALGRIND=1 $(PROVE) -j1 $(VALGRIND_TESTS)

bench:
	@scripts/deps build run bench
	@$(MAKE) --no-print-directory -j$(JOBS) all $(LOAD) $(TIMING) $(ENDPOINT)
	@CLARITY_BUILD=$(BUILD) bench/ingress
	@CLARITY_BUILD=$(BUILD) bench/worker
	@CLARITY_BUILD=$(BUILD) bench/timing

.PHONY: bench-memory
bench-memory:
	@scripts/deps build run bench
	@$(MAKE) --no-print-directory -j$(JOBS) all $(LOAD)
	@CLARITY_BUILD=$(BUILD) bench/memory

# What libFuzzer finds new goes to BUILD/fuzz/corpus; a finding ends it.
FUZZ_SECONDS = 60
FUZZ_BUILD   = $(BUILD)/libfuzzer
FUZZ_MAKE    = $(MAKE) --no-print-directory BUILD=$(FUZZ_BUILD) CC=clang \
    HARDEN= CFLAGS='-g -O1 -fno-omit-frame-pointer' \
    SANITIZE='-fsanitize=fuzzer-no-link,address,undefined \
        -fno-sanitize-recover=all'

.PHONY: fuzz
fuzz:
	@scripts/deps build fuzz
	@$(FUZZ_MAKE) -j$(JOBS) $(addprefix $(FUZZ_BUILD)/fuzz/fuzz_,$(FUZZ))
	@set -e; for name in $(FUZZ); do \
	    mkdir -p $(BUILD)/fuzz/corpus/$$name; \
	    echo "$$name: $(FUZZ_SECONDS) s"; \
	    $(FUZZ_BUILD)/fuzz/fuzz_$$name -max_total_time=$(FUZZ_SECONDS) \
	        -print_final_stats=1 -timeout=5 -rss_limit_mb=1024 \
	        -artifact_prefix=$(BUILD)/fuzz/finding- \
	        $(BUILD)/fuzz/corpus/$$name t/fuzz/corpus/$$name \
	        >$(BUILD)/fuzz/$$name.log 2>&1 \
	        || { tail -n 40 $(BUILD)/fuzz/$$name.log; exit 1; }; \
	    grep -h number_of_executed $(BUILD)/fuzz/$$name.log; \
	done

clean:
	rm -rf $(BUILD)


# Programs

$(WORKER): $(call objects,$(WORKER_SRCS)) $(LIBRARY)
	$(CC) $(CFLAGS) $(OWN_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# Of both libraries only the functions of <clarity/worker.h> can be seen.

$(SDK_SO): $(call objects,$(SDK_SRCS)) $(LIBRARY) $(SDK_MAP)
	$(CC) $(CFLAGS) $(OWN_LDFLAGS) $(LDFLAGS) -shared \
	    -Wl,-soname,libclarity_worker.so.0 \
	    -Wl,--version-script=$(SDK_MAP) -o $@ \
	    $(filter %.o,$^) $(LIBRARY) $(LIBS)

$(SDK_A): $(call objects,$(SDK_SRCS)) $(LIBRARY) $(SDK_MAP)
	sed -n 's/^ *\(clarity_[a-z_]*\);.*/\1/p' $(SDK_MAP) > $(BUILD)/sdk.names
	$(LD) -r -o $(BUILD)/sdk.o $(filter %.o,$^) \
	    --whole-archive $(LIBRARY) --no-whole-archive
	objcopy --keep-global-symbols=$(BUILD)/sdk.names $(BUILD)/sdk.o
	rm -f $@
	$(AR) qcs $@ $(BUILD)/sdk.o

$(CTL): $(call objects,$(CTL_SRCS)) $(LIBRARY)
	$(CC) $(CFLAGS) $(OWN_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(LOAD): $(call objects,$(LOAD_SRCS))
	$(CC) $(CFLAGS) $(OWN_LDFLAGS) $(LDFLAGS) -o $@ $^

$(TIMING): $(call objects,bench/timing.c)
	$(CC) $(CFLAGS) $(OWN_LDFLAGS) $(LDFLAGS) -o $@ $^ -lm

$(ENDPOINT): $(call objects,$(ENDPOINT_SRCS))
	$(CC) $(CFLAGS) $(OWN_LDFLAGS) $(LDFLAGS) -o $@ $^ -levent

# The worker with places at which tests let it die: worker/kill_point.h.
$(KILLED): $(patsubst %.c,$(BUILD)/kill-points/%.o,$(WORKER_SRCS)) $(LIBRARY)
	$(CC) $(CFLAGS) $(OWN_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/kill-points/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(OWN_CFLAGS) -DCLARITY_KILL_POINTS $(CPPFLAGS) $(CFLAGS) \
	    -MMD -MP -c -o $@ $<

$(LIBRARY): $(call objects,$(LIBRARY_SRCS))
	rm -f $@
	$(AR) qcs $@ $^

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(OWN_CFLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/unit/%: $(BUILD)/obj/t/unit/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(OWN_LDFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS)

# The corpora, run by whatever compiler: t/fuzz.t.
$(BUILD)/fuzz/replay_%: $(BUILD)/obj/t/fuzz/fuzz_%.o \
    $(BUILD)/obj/t/fuzz/replay.o $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(OWN_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# libFuzzer brings its main(): see `make fuzz`, which sets SANITIZE.
$(BUILD)/fuzz/fuzz_%: $(BUILD)/obj/t/fuzz/fuzz_%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(OWN_LDFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ \
	    $(LIBS)

# Kept, or make would drop the objects of tests as intermediate files.
.SECONDARY:

-include $(patsubst %.c,$(BUILD)/kill-points/%.d,$(WORKER_SRCS))
-include $(patsubst %.o,%.d,$(call objects, \
    $(LIBRARY_SRCS) $(WORKER_SRCS) $(SDK_SRCS) $(CTL_SRCS) $(UNIT_SRCS) \
    $(FUZZ_SRCS) $(LOAD_SRCS) $(ENDPOINT_SRCS) bench/timing.c))


# The module: nginx's own configure writes a makefile, which knows what of it
# is to be rebuilt. It is told a folder of ours, so nginx's tree stays as it is
# and needs no right to write. A CFLAGS in configure's environment, where make
# puts one of its command line, would take the place of nginx's own flags, its
# -Wno-unused-parameter too.

NGX_OBJS     = $(abspath $(BUILD)/nginx)
NGX_CFLAGS   = $(CFLAGS) -fPIC $(WARN) $(HARDEN) $(SANITIZE) $(CPPFLAGS)
NGX_LDFLAGS  = -Wl,-z,relro,-z,now $(SANITIZE) $(LDFLAGS)

$(NGX_MAKEFILE): config Makefile $(NGX_SRC)/conf_flags
	@mkdir -p $(@D)
	cd $(NGX_SRC) && bash -c '. ./conf_flags; unset CFLAGS; ./configure \
	    "$${NGX_CONF_FLAGS[@]}" --builddir=$(NGX_OBJS) \
	    --with-cc-opt="$(NGX_CFLAGS)" --with-ld-opt="$(NGX_LDFLAGS)" \
	    --add-dynamic-module=$(CURDIR)' > $(NGX_OBJS)/configure.log \
	    || { tail -n 20 $(NGX_OBJS)/configure.log; exit 1; }

# Without the variables of this make's command line, whose CFLAGS would stand
# before those of nginx's makefile: with what configure was told, SANITIZE too.

$(MODULE): $(NGX_MAKEFILE) $(MODULE_FILES)
	@MAKEFLAGS="$${MAKEFLAGS%%-- *}" \
	    $(MAKE) --no-print-directory -C $(NGX_SRC) -f $(NGX_OBJS)/Makefile modules
	install -m 644 $(BUILD)/nginx/$(@F) $@


# Into DESTDIR: the module, the programs, the SDK, the settings page, examples.

install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/pkgconfig \
	    $(DESTDIR)$(INCLUDEDIR)/clarity \
	    $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man3 \
	    $(DESTDIR)$(DATADIR) $(DESTDIR)$(NGX_MODULES)
	install -m 755 $(WORKER) $(CTL) $(DESTDIR)$(BINDIR)
	install -m 644 $(MODULE) $(DESTDIR)$(NGX_MODULES)
	install -m 644 $(SDK_A) $(DESTDIR)$(LIBDIR)
	install -m 644 $(SDK_SO) \
	    $(DESTDIR)$(LIBDIR)/libclarity_worker.so.$(VERSION)
	ln -sf libclarity_worker.so.$(VERSION) \
	    $(DESTDIR)$(LIBDIR)/libclarity_worker.so.0
	ln -sf libclarity_worker.so.0 $(DESTDIR)$(LIBDIR)/libclarity_worker.so
	install -m 644 include/clarity/worker.h $(DESTDIR)$(INCLUDEDIR)/clarity
	sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|' \
	    -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|; s|@VERSION@|$(VERSION)|' \
	    worker/clarity-worker.pc.in \
	    > $(DESTDIR)$(LIBDIR)/pkgconfig/clarity-worker.pc
	install -m 644 docs/man/*.1 $(DESTDIR)$(MANDIR)/man1
	install -m 644 docs/man/*.3 $(DESTDIR)$(MANDIR)/man3
	rm -rf $(DESTDIR)$(DATADIR)/settings $(DESTDIR)$(DATADIR)/examples
	cp -r settings examples $(DESTDIR)$(DATADIR)


# Debian's packages: the tracked files, as they are here, built in a folder of
# their own, with a make of its own.

DEB     = $(BUILD)/deb
DEB_SRC = $(DEB)/clarity-webhooks-$(VERSION)

.PHONY: deb
deb:
	@scripts/deps build deb
	rm -rf $(DEB)
	@mkdir -p $(DEB_SRC)
	git ls-files -z | xargs -0 cp --parents -p -t $(DEB_SRC)
	cd $(DEB_SRC) && env -u MAKEFLAGS -u MAKEOVERRIDES -u MAKELEVEL \
	    dpkg-buildpackage -b -us -uc -j$(JOBS)
	lintian --allow-root --fail-on error,warning --tag-display-limit 0 \
	    $$(ls $(DEB)/*.deb | grep -v dbgsym)
	@ls $(DEB)/*.deb
