/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lazy switching of the FPU. CR0.TS is kept so that an FPU instruction faults for everybody but the owner; it is written
 * only when it has to change.
 *
 * State is in the layout of fxsave where the processor has it, of fnsave otherwise. Users see fnsave's (i386_FLOAT_STATE);
 * with fxsave the tags are translated, and the SSE registers are kept when a state is set.
 */
#include "i386/fpu.h"

#include "i386/cpu.h"
#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/string.h"
#include "kernel/thread.h"

#define FPU_CONTROL_INIT 0x037f         /* all exceptions masked, 64 bits, to the nearest */
#define FPU_MXCSR_INIT 0x1f80           /* all masked */
#define FPU_MXCSR_MASK_DEFAULT 0xffbf   /* what a processor means that stores a mask of 0 */
#define FPU_MXCSR_FLAGS 0x3f
#define FPU_STATUS_PROBE 0x5a5a
#define FPU_TAG_EMPTY 3u
#define FPU_TAG_VALID 0u
#define FPU_TAG_ZERO 1u
#define FPU_TAG_SPECIAL 2u
#define FPU_EXPONENT 0x7fff

/* As fxsave stores it; aligned by its cache. */
struct fpu_fx {
    uint16_t control, status, tag, opcode;
    uint32_t eip;
    uint16_t cs, unused_1;
    uint32_t dp;
    uint16_t ds, unused_2;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t registers[8][16];
    uint8_t xmm[8][16];
    uint8_t unused_3[224];
};
_Static_assert(sizeof(struct fpu_fx) == 512, "fxsave's layout");

/* As fnsave stores it, which users see. */
struct fpu_fn {
    struct i386_fp_save save;
    struct i386_fp_regs registers;
};
_Static_assert(sizeof(struct fpu_fn) == 108 && sizeof(struct fpu_fn) == FP_STATE_BYTES, "fnsave's layout");

struct fpu_state {
    union {
        struct fpu_fx fx;
        struct fpu_fn fn;
    };
    uint32_t last_status;               /* the status word at the last exception */
};

static bool fpu_present;
static bool fpu_has_fx;
static uint32_t fpu_mxcsr_mask;
static struct thread *fpu_owner;        /* changed with interrupts off */
static bool fpu_stopped;                /* CR0.TS is set */
static struct kmem_cache fpu_cache;

/* ---- instructions; CR0.TS is clear ---- */

static void fpu_store(struct fpu_state *state)
{
    if (fpu_has_fx)
        __asm__ volatile("fxsave %0" : "=m"(state->fx));
    else
        __asm__ volatile("fnsave %0; fwait" : "=m"(state->fn));
}

static void fpu_load(const struct fpu_state *state)
{
    if (fpu_has_fx)
        __asm__ volatile("fxrstor %0" : : "m"(state->fx));
    else
        __asm__ volatile("fnclex; frstor %0" : : "m"(state->fn)); /* who owned it is gone, his exceptions too */
}

static void fpu_stop(void)
{
    if (!fpu_stopped) {
        cpu_set_cr0(cpu_cr0() | CPU_CR0_TS);
        fpu_stopped = true;
    }
}

static void fpu_go(void)
{
    if (fpu_stopped) {
        cpu_clts();
        fpu_stopped = false;
    }
}

/* ---- set-up ---- */

/* An FPU answers fninit with a status of 0 and the control word's start value; nothing answers with what was there. */
static bool fpu_probe(void)
{
    uint16_t status = FPU_STATUS_PROBE, control = FPU_STATUS_PROBE;

    cpu_set_cr0(cpu_cr0() & ~(CPU_CR0_EM | CPU_CR0_TS));
    __asm__ volatile("fninit; fnstsw %0; fnstcw %1" : "+m"(status), "+m"(control));
    return (status & 0xff) == 0 && (control & 0x103f) == 0x003f;
}

static void fpu_init_fx(void)
{
    static struct fpu_fx probe __attribute__((aligned(16)));
    uint32_t cr4 = cpu_cr4() | CPU_CR4_OSFXSR;

    if (cpu_features & CPU_FEATURE_SSE)
        cr4 |= CPU_CR4_OSXMMEXCPT;
    cpu_set_cr4(cr4);
    fpu_has_fx = true;
    __asm__ volatile("fxsave %0" : "=m"(probe));
    fpu_mxcsr_mask = probe.mxcsr_mask != 0 ? probe.mxcsr_mask : FPU_MXCSR_MASK_DEFAULT;
}

void fpu_init(void)
{
    kmem_cache_init(&fpu_cache, "fpu_state", sizeof(struct fpu_state), 16);
    fpu_present = fpu_probe();
    if (!fpu_present) {
        /* Every FPU instruction traps, as no FPU. */
        cpu_set_cr0((cpu_cr0() | CPU_CR0_EM | CPU_CR0_NE) & ~CPU_CR0_MP);
        return;
    }
    if (cpu_features & CPU_FEATURE_FXSR)
        fpu_init_fx();
    cpu_set_cr0(cpu_cr0() | CPU_CR0_MP | CPU_CR0_NE | CPU_CR0_TS);
    fpu_stopped = true;
}

static void fpu_state_init(struct fpu_state *state)
{
    memset(state, 0, sizeof(*state));
    if (fpu_has_fx) {
        state->fx.control = FPU_CONTROL_INIT; /* tags of 0: all empty */
        state->fx.mxcsr = FPU_MXCSR_INIT;
    } else {
        state->fn.save.fp_control = FPU_CONTROL_INIT;
        state->fn.save.fp_tag = 0xffff;
    }
}

/* Gives thread memory for its state, with a fresh one. Thread is the running one or stopped. Sleeps. */
static bool fpu_state_create(struct thread *thread)
{
    struct fpu_state *state;

    if (thread->machine.fpu != NULL)
        return true;
    state = kmem_cache_alloc(&fpu_cache, ALLOC_THREAD);
    if (state == NULL)
        return false;
    fpu_state_init(state);
    thread->machine.fpu = state;
    return true;
}

/* ---- who has it ---- */

void fpu_switch(const struct thread *next)
{
    if (fpu_owner == next)
        fpu_go();
    else if (fpu_present)
        fpu_stop();
}

kern_return_t fpu_use(void)
{
    struct thread *thread = current_thread();
    unsigned long flags;

    if (!fpu_present)
        return KERN_FAILURE;
    if (!fpu_state_create(thread))
        return KERN_RESOURCE_SHORTAGE;
    flags = machine_interrupts_disable();
    fpu_go();
    if (fpu_owner != thread) {
        if (fpu_owner != NULL)
            fpu_store(fpu_owner->machine.fpu);
        fpu_load(thread->machine.fpu);
        fpu_owner = thread;
    }
    machine_interrupts_restore(flags);
    return KERN_SUCCESS;
}

/* Stores the state of the owner, who loads it again when he uses it next. */
static void fpu_give_up(const struct thread *thread)
{
    unsigned long flags = machine_interrupts_disable();

    if (fpu_owner == thread) {
        fpu_go();
        fpu_store(thread->machine.fpu);
        fpu_owner = NULL;
        fpu_stop();
    }
    machine_interrupts_restore(flags);
}

void fpu_destroy(struct thread *thread)
{
    struct fpu_state *state = thread->machine.fpu;
    unsigned long flags;

    if (state == NULL)
        return;
    flags = machine_interrupts_disable();
    if (fpu_owner == thread) {
        fpu_owner = NULL;
        fpu_stop();
    }
    thread->machine.fpu = NULL;
    machine_interrupts_restore(flags);
    kmem_cache_free(&fpu_cache, state);
}

/* ---- errors ---- */

uint32_t fpu_take_error(void)
{
    struct fpu_state *state = current_thread()->machine.fpu;
    uint32_t status;

    if (state == NULL)
        return 0;
    fpu_give_up(current_thread());
    /* With its exceptions in the status word the next instruction would fault again. */
    if (fpu_has_fx) {
        status = state->fx.status;
        state->fx.status &= (uint16_t)~(FPS_ES | FPS_BUSY | 0x7f);
    } else {
        status = state->fn.save.fp_status;
        state->fn.save.fp_status &= (uint16_t)~(FPS_ES | FPS_BUSY | 0x7f);
    }
    state->last_status = status;
    return status;
}

uint32_t fpu_take_sse_error(void)
{
    struct fpu_state *state = current_thread()->machine.fpu;
    uint32_t mxcsr;

    if (state == NULL || !fpu_has_fx)
        return 0;
    fpu_give_up(current_thread());
    mxcsr = state->fx.mxcsr;
    state->fx.mxcsr &= ~(uint32_t)FPU_MXCSR_FLAGS;
    return mxcsr;
}

/* ---- states that users see ---- */

static unsigned int fpu_tag_of(const uint8_t value[10])
{
    unsigned int exponent = (value[8] | (unsigned int)value[9] << 8) & FPU_EXPONENT;
    bool zero = true;

    for (unsigned int i = 0; i < 8; i++)
        zero = zero && value[i] == 0;
    if (exponent == 0)
        return zero ? FPU_TAG_ZERO : FPU_TAG_SPECIAL;
    if (exponent == FPU_EXPONENT || !(value[7] & 0x80))
        return FPU_TAG_SPECIAL;
    return FPU_TAG_VALID;
}

static void fpu_fx_to_fn(const struct fpu_fx *fx, struct fpu_fn *fn)
{
    unsigned int top = (fx->status & FPS_TOS) >> FPS_TOS_SHIFT, tags = 0;

    memset(fn, 0, sizeof(*fn));
    fn->save.fp_control = fx->control;
    fn->save.fp_status = fx->status;
    fn->save.fp_eip = fx->eip;
    fn->save.fp_cs = fx->cs;
    fn->save.fp_opcode = fx->opcode;
    fn->save.fp_dp = fx->dp;
    fn->save.fp_ds = fx->ds;
    /* Tags are of registers by number; the registers are stored from the top of the stack. */
    for (unsigned int i = 0; i < 8; i++) {
        memcpy(fn->registers.fp_reg_word[i], fx->registers[i], 10);
        unsigned int number = (top + i) % 8;
        tags |= (fx->tag >> number & 1 ? fpu_tag_of(fx->registers[i]) : FPU_TAG_EMPTY) << (number * 2);
    }
    fn->save.fp_tag = (uint16_t)tags;
}

static void fpu_fn_to_fx(const struct fpu_fn *fn, struct fpu_fx *fx)
{
    unsigned int tag = 0;

    fx->control = fn->save.fp_control;
    fx->status = fn->save.fp_status;
    fx->opcode = fn->save.fp_opcode & 0x7ff;
    fx->eip = fn->save.fp_eip;
    fx->cs = fn->save.fp_cs;
    fx->dp = fn->save.fp_dp;
    fx->ds = fn->save.fp_ds;
    for (unsigned int i = 0; i < 8; i++) {
        memcpy(fx->registers[i], fn->registers.fp_reg_word[i], 10);
        if ((fn->save.fp_tag >> (i * 2) & 3) != FPU_TAG_EMPTY)
            tag |= 1u << i;
    }
    fx->tag = (uint16_t)tag;
    fx->mxcsr &= fpu_mxcsr_mask;
}

void fpu_get_state(struct thread *thread, struct i386_float_state *state)
{
    struct fpu_fn fn;

    memset(state, 0, sizeof(*state));
    state->fpkind = !fpu_present ? FP_NO : fpu_has_fx ? FP_387FX : FP_387;
    if (thread->machine.fpu == NULL)
        return;
    fpu_give_up(thread);
    state->initialized = 1;
    if (fpu_has_fx) {
        fpu_fx_to_fn(&thread->machine.fpu->fx, &fn);
        memcpy(state->hw_state, &fn, sizeof(fn));
    } else {
        memcpy(state->hw_state, &thread->machine.fpu->fn, sizeof(fn));
    }
    state->exc_status = (int)thread->machine.fpu->last_status;
}

kern_return_t fpu_set_state(struct thread *thread, const struct i386_float_state *state)
{
    struct fpu_fn fn;

    if (!fpu_present)
        return KERN_FAILURE;
    if (!state->initialized) {
        fpu_destroy(thread);
        return KERN_SUCCESS;
    }
    if (!fpu_state_create(thread))
        return KERN_RESOURCE_SHORTAGE;
    fpu_give_up(thread);
    memcpy(&fn, state->hw_state, sizeof(fn));
    if (fpu_has_fx)
        fpu_fn_to_fx(&fn, &thread->machine.fpu->fx);
    else
        thread->machine.fpu->fn = fn;
    return KERN_SUCCESS;
}
