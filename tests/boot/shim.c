/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A boot loader that lies: a multiboot program that loads the kernel given as its first module, as a boot loader would,
 * and hands it the other modules with a memory map of our choice, and with lies about the modules.
 *
 * Command line: map=NAME and modules=NAME, NAME one of the tables below; the kernel's command line is the string of its
 * module without the first word.
 */
#include <stddef.h>
#include <stdint.h>

#define MIB 0x100000ull
#define MULTIBOOT_LOADER_MAGIC 0x2BADB002u
#define AVAILABLE 1u
#define RESERVED 2u

enum info_flags {
    INFO_MEMORY = 1 << 0,
    INFO_CMDLINE = 1 << 2,
    INFO_MODULES = 1 << 3,
    INFO_MMAP = 1 << 6,
    INFO_LOADER_NAME = 1 << 9,
};

struct info {
    uint32_t flags, mem_lower, mem_upper, boot_device;
    const char *cmdline;
    uint32_t mods_count;
    struct module *mods;
    uint32_t syms[4], mmap_length;
    const void *mmap;
    uint32_t drives_length, drives, config_table;
    const char *loader_name;
};

struct module {
    const uint8_t *start, *end;
    const char *string;
    uint32_t reserved;
};

struct range {
    uint32_t size; /* of what follows */
    uint64_t base, length;
    uint32_t type;
} __attribute__((packed));

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version, entry, phoff, shoff, flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_segment {
    uint32_t type, offset, vaddr, paddr, filesz, memsz, flags, align;
};

#define RANGE(base, end, type) {20, (base), (end) - (base), type}
#define LOW RANGE(0, 0x9f000, AVAILABLE)

static const struct range plain[] = {LOW, RANGE(MIB, 64 * MIB, AVAILABLE)};
static const struct range overlap[] = {LOW, RANGE(MIB, 32 * MIB, AVAILABLE), RANGE(16 * MIB, 64 * MIB, AVAILABLE)};
static const struct range twice[] = {LOW, RANGE(MIB, 64 * MIB, AVAILABLE), RANGE(MIB, 64 * MIB, AVAILABLE)};
static const struct range hole[] = {LOW, RANGE(MIB, 64 * MIB, AVAILABLE), RANGE(40 * MIB, 41 * MIB, RESERVED)};
static const struct range unsorted[] = {RANGE(32 * MIB, 64 * MIB, AVAILABLE), LOW, RANGE(MIB, 32 * MIB, AVAILABLE)};
static const struct range empty[] = {LOW, RANGE(MIB, MIB, AVAILABLE), RANGE(MIB, 64 * MIB, AVAILABLE)};
static const struct range wraps[] = {LOW, RANGE(MIB, 64 * MIB, AVAILABLE), {20, ~0ull - 0xfff, 0x2000, AVAILABLE}};
static const struct range above[] = {LOW, RANGE(MIB, 64 * MIB, AVAILABLE), RANGE(4096 * MIB, 5120 * MIB, AVAILABLE)};
static const struct range odd[] = {LOW, RANGE(MIB + 0x123, 64 * MIB - 0x321, AVAILABLE)};
static const struct range unkernel[] = {LOW, RANGE(32 * MIB, 64 * MIB, AVAILABLE)};
static const struct range nowhere[] = {RANGE(0, 64 * MIB, RESERVED)};
static const struct range endless[] = {{0, 0, 0x9f000, AVAILABLE}, RANGE(MIB, 64 * MIB, AVAILABLE)};

#define MAP(name) {#name, INFO_MMAP, name, sizeof name, MULTIBOOT_LOADER_MAGIC}
static const struct map {
    const char *name;
    uint32_t flags;
    const struct range *ranges;
    uint32_t length, magic;
} maps[] = {
    MAP(plain),
    MAP(overlap),       /* two available ranges share memory */
    MAP(twice),         /* the same range two times */
    MAP(hole),          /* a reserved range within an available one */
    MAP(unsorted),
    MAP(empty),         /* one of the ranges has no length */
    MAP(wraps),         /* a range goes over the end of 64 bits */
    MAP(above),         /* memory above 4 GiB */
    MAP(odd),           /* ranges that begin and end within pages */
    MAP(unkernel),      /* the kernel itself lies in no available range */
    MAP(nowhere),       /* no memory at all */
    MAP(endless),       /* an entry that says its own size is 0 */
    {"cut", INFO_MMAP, plain, sizeof plain - 9, MULTIBOOT_LOADER_MAGIC},
    {"sizes", INFO_MEMORY, NULL, 0, MULTIBOOT_LOADER_MAGIC},     /* no map, only the old two numbers */
    {"nothing", 0, NULL, 0, MULTIBOOT_LOADER_MAGIC},             /* neither */
    {"magic", INFO_MMAP, plain, sizeof plain, 0x12345678},      /* no multiboot loader, by its own word */
};

/* What is said of the modules; the first is the first after the kernel. */
enum lie { LIE_NONE, LIE_KERNEL, LIE_OUTSIDE, LIE_BACKWARDS, LIE_SAME, LIE_STRING, LIE_NO_STRING, LIE_MANY };
static const struct lie_name {
    const char *name;
    enum lie lie;
} lies[] = {
    {"kernel", LIE_KERNEL},       /* the first lies where the kernel is */
    {"outside", LIE_OUTSIDE},     /* the first lies where no memory is */
    {"backwards", LIE_BACKWARDS}, /* the first ends before it begins */
    {"same", LIE_SAME},           /* the second lies where the first does */
    {"string", LIE_STRING},       /* the first has a command line of 5000 characters */
    {"no-string", LIE_NO_STRING}, /* the first has no command line */
    {"many", LIE_MANY},           /* there are a thousand */
};

void shim_main(const struct info *from);
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *at, int byte, size_t size);

/* The header, and a stack. The loader enters with the information's address in %ebx. */
asm(".section .text.shim_start, \"ax\"\n"
    ".balign 4\n"
    ".long 0x1BADB002, 2, -(0x1BADB002 + 2)\n"
    ".globl _start\n"
    "_start: movl $shim_stack + 4096, %esp\n"
    "cld\n"
    "pushl %ebx\n"
    "call shim_main\n"
    ".previous\n"
    ".local shim_stack\n"
    ".comm shim_stack, 4096, 16\n");

void *memcpy(void *to, const void *from, size_t size)
{
    uint8_t *t = to;
    const uint8_t *f = from;

    while (size--)
        *t++ = *f++;
    return to;
}

void *memset(void *at, int byte, size_t size)
{
    uint8_t *t = at;

    while (size--)
        *t++ = byte;
    return at;
}

static void stop(const char *why)
{
    for (const char *prefix = "shim: "; *prefix; prefix++)
        asm volatile("outb %0, %w1" : : "a"(*prefix), "d"(0x3f8));
    for (; *why; why++)
        asm volatile("outb %0, %w1" : : "a"(*why), "d"(0x3f8));
    asm volatile("outb %0, %w1" : : "a"((uint8_t)'\n'), "d"(0x3f8));
    asm volatile("outb %0, %w1" : : "a"((uint8_t)0x55), "d"(0xf4));
    for (;;)
        asm volatile("hlt");
}

/* Whether the value of the last word of the command line that begins with key is value. */
static int is_value(const char *cmdline, const char *key, const char *value)
{
    const char *found = NULL;

    for (const char *p = cmdline; *p; p++) {
        size_t n = 0;

        while (key[n] && p[n] == key[n])
            n++;
        if (!key[n])
            found = p + n;
    }
    if (!found)
        return 0;
    while (*value && *value == *found)
        value++, found++;
    return !*value && (!*found || *found == ' ');
}

static const struct map *find_map(const char *cmdline)
{
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        if (is_value(cmdline, "map=", maps[i].name))
            return &maps[i];
    stop("no such map");
    return NULL;
}

static enum lie find_lie(const char *cmdline)
{
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
        if (is_value(cmdline, "modules=", lies[i].name))
            return lies[i].lie;
    return LIE_NONE;
}

static void tell(struct info *to, enum lie lie)
{
    static char string[5001];
    struct module *first = to->mods;

    if (lie != LIE_NONE && to->mods_count == 0)
        stop("no module to lie about");
    switch (lie) {
    case LIE_KERNEL:
        first->end = (const uint8_t *)(size_t)MIB + 0x3000 + (first->end - first->start);
        first->start = (const uint8_t *)(size_t)MIB + 0x3000;
        break;
    case LIE_OUTSIDE:
        first->end = (const uint8_t *)(size_t)(3072 * MIB) + (first->end - first->start);
        first->start = (const uint8_t *)(size_t)(3072 * MIB);
        break;
    case LIE_BACKWARDS:
        first->end = first->start - 1;
        break;
    case LIE_SAME:
        first[1].start = first->start;
        first[1].end = first->end;
        break;
    case LIE_STRING:
        memset(string, 'x', sizeof string - 1);
        first->string = string;
        break;
    case LIE_NO_STRING:
        first->string = NULL;
        break;
    case LIE_MANY:
        to->mods_count = 1000;
        break;
    case LIE_NONE:
        break;
    }
}

/* Returns the physical address of the entry point, which the kernel's file may give as a virtual one. */
static uint32_t load(const struct module *kernel)
{
    const struct elf_header *head = (const void *)kernel->start;
    uint32_t entry = head->entry;

    if (head->ident[0] != 0x7f || head->phentsize != sizeof(struct elf_segment))
        stop("the first module is no kernel");
    for (unsigned int i = 0; i < head->phnum; i++) {
        const struct elf_segment *s = (const struct elf_segment *)(kernel->start + head->phoff) + i;

        if (s->type != 1)
            continue;
        if (s->paddr + s->memsz > 32 * MIB)
            stop("the kernel is too large");
        memcpy((void *)s->paddr, kernel->start + s->offset, s->filesz);
        memset((void *)(s->paddr + s->filesz), 0, s->memsz - s->filesz);
        if (head->entry - s->vaddr < s->memsz)
            entry = head->entry - s->vaddr + s->paddr;
    }
    return entry;
}

void shim_main(const struct info *from)
{
    static struct info to;
    const struct map *map = find_map(from->cmdline);

    if (!(from->flags & INFO_MODULES) || from->mods_count == 0)
        stop("no kernel");
    to.flags = INFO_CMDLINE | INFO_LOADER_NAME | INFO_MODULES | map->flags;
    to.mem_lower = 639;
    to.mem_upper = 63 * 1024;
    /* Its first word is the file. */
    to.cmdline = from->mods[0].string;
    while (*to.cmdline && *to.cmdline != ' ')
        to.cmdline++;
    to.mods_count = from->mods_count - 1;
    to.mods = from->mods + 1;
    to.mmap = map->ranges;
    to.mmap_length = map->length;
    to.loader_name = "shim";
    tell(&to, find_lie(from->cmdline));
    asm volatile("jmp *%0" : : "r"(load(&from->mods[0])), "a"(map->magic), "b"(&to));
}
