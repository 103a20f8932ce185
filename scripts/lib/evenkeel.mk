# evenkeel.mk: for a Makefile that includes it, EVENKEEL_LIB (a static library and the rules to build it),
# EVENKEEL_CFLAGS (where the headers are) and EVENKEEL_LIBS (what to link after it). EVENKEEL_OPENMP=1 uses OpenMP as the
# default thread pool; without it the default is one thread, and the seam of <evenkeel/parallel.h> takes yours.
ek_goal := $(.DEFAULT_GOAL)
EVENKEEL_DIR := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
EVENKEEL_BUILD ?= build/evenkeel
EVENKEEL_OPENMP ?=
EVENKEEL_CFLAGS := -I$(EVENKEEL_DIR)/include
EVENKEEL_LIB := $(EVENKEEL_BUILD)/libevenkeel_norm.a
EVENKEEL_LIBS := -lm $(if $(EVENKEEL_OPENMP),-fopenmp)

ek_isas := generic
ifneq ($(filter x86_64%,$(shell $(CC) -dumpmachine)),)
ek_isas += avx2 avx512
else ifneq ($(filter aarch64%,$(shell $(CC) -dumpmachine)),)
ek_isas += neon
else ifneq ($(filter wasm%,$(shell $(CC) -dumpmachine)),)
ek_isas += wasm
endif
@ISA_FLAGS@
ek_data_types := @DATA_TYPES@

# The bits of results are a contract: no contraction and no -ffast-math, whatever CFLAGS say.
ek_flags = -O2 $(CFLAGS) -std=c11 -fPIC -MMD -MP -fvisibility=hidden -fno-fast-math -ffp-contract=off \
    -D_POSIX_C_SOURCE=200809L -I$(EVENKEEL_DIR)/include -I$(EVENKEEL_DIR)/src $(if $(EVENKEEL_OPENMP),-fopenmp)
ek_sources := $(wildcard $(addprefix $(EVENKEEL_DIR)/src/,base/*.c cpu/*.c norm/*.c norm/variants/*.c))
ek_kernels = $(patsubst $(EVENKEEL_DIR)/src/kernel/%,%,$(wildcard $(addprefix $(EVENKEEL_DIR)/src/kernel/,*.c hand/$(1)/*.c)))
ek_objects := $(patsubst $(EVENKEEL_DIR)/src/%.c,$(EVENKEEL_BUILD)/%.o,$(ek_sources)) \
    $(foreach isa,$(ek_isas),$(foreach data,$(ek_data_types),$(patsubst %.c,$(EVENKEEL_BUILD)/kernel_$(isa)_$(data)/%.o,$(call ek_kernels,$(isa)))))

$(EVENKEEL_LIB): $(ek_objects)
	rm -f $@
	$(AR) rcs $@ $^

$(EVENKEEL_BUILD)/%.o: $(EVENKEEL_DIR)/src/%.c
	@mkdir -p $(@D)
	$(CC) $(ek_flags) -c $< -o $@

define ek_kernel_rule
$(EVENKEEL_BUILD)/kernel_$(1)_$(2)/%.o: $(EVENKEEL_DIR)/src/kernel/%.c
	@mkdir -p $$(@D)
	$$(CC) $$(ek_flags) -O3 -fno-math-errno -fno-trapping-math $$(ek_flags_$(1)) -DEK_ISA=$(1) -DEK_ISA_$(1)=1 \
	    -DEK_DATA=$(2) -DEK_DATA_$(2)=1 -c $$< -o $$@
endef
$(foreach isa,$(ek_isas),$(foreach data,$(ek_data_types),$(eval $(call ek_kernel_rule,$(isa),$(data)))))

-include $(ek_objects:.o=.d)
.DEFAULT_GOAL := $(ek_goal)
