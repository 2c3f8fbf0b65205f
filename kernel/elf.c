/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything that the file says is checked before anything is mapped: program headers are read twice, once for the checks
 * and once for loading. Segments come in ascending order, as the format demands; two may share a page (the end of one
 * and the beginning of the next), which then has the rights of both.
 */
#include "kernel/elf.h"

#include <mach/exec/elf.h>

#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/string.h"
#include "vm/vm_frame.h"
#include "vm/vm_map.h"

/* Where a position-independent program goes: where others are linked. */
#define ELF_BIAS 0x08048000u

struct elf_file {
    const struct boot_module *module;
    struct vm_map *map;
    uint32_t bias;
    Elf32_Ehdr header;
    uint8_t *page;          /* a buffer of one page */
};

static bool elf_read(const struct elf_file *file, uint32_t offset, void *to, uint32_t size)
{
    if (offset > file->module->size || size > file->module->size - offset)
        return false;
    boot_module_read(file->module, offset, to, size);
    return true;
}

static const char *elf_check_header(struct elf_file *file)
{
    static const unsigned char magic[4] = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3};
    Elf32_Ehdr *header = &file->header;

    if (!elf_read(file, 0, header, sizeof(magic)) || memcmp(header->e_ident, magic, sizeof(magic)) != 0)
        return "is no ELF file";
    if (!elf_read(file, 0, header, sizeof(*header)))
        return "is an ELF file cut short in its header";
    if (header->e_ident[EI_CLASS] != ELFCLASS32 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_machine != EM_386)
        return "is no ELF file for i386";
    if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
        return "is an ELF file, but no executable one";
    if (header->e_phnum == 0)
        return "has no segment to load";
    if (header->e_phentsize != sizeof(Elf32_Phdr))
        return "has program headers of another size than i386's";
    file->bias = header->e_type == ET_DYN ? ELF_BIAS : 0;
    return NULL;
}

static const char *elf_header(struct elf_file *file, unsigned int i, Elf32_Phdr *segment)
{
    uint64_t offset = (uint64_t)file->header.e_phoff + i * sizeof(*segment);

    if (offset > UINT32_MAX || !elf_read(file, (uint32_t)offset, segment, sizeof(*segment)))
        return "is cut short: program headers beyond its end";
    return NULL;
}

static const char *elf_check_segment(const struct elf_file *file, const Elf32_Phdr *segment, uint64_t previous_end)
{
    uint64_t start = (uint64_t)segment->p_vaddr + file->bias, end = start + segment->p_memsz;

    if (segment->p_offset > file->module->size || segment->p_filesz > file->module->size - segment->p_offset)
        return "is cut short: a segment beyond its end";
    if (segment->p_filesz > segment->p_memsz)
        return "has a segment with more in the file than in memory";
    if (end > MACHINE_USER_END)
        return "has a segment over the kernel's addresses";
    if (start < PAGE_SIZE)
        return "has a segment at page zero";
    if (start < previous_end)
        return "has segments that overlap or are out of order";
    return NULL;
}

static const char *elf_check_segments(struct elf_file *file)
{
    uint64_t entry = (uint64_t)file->header.e_entry + file->bias, end = 0;
    bool any = false, entered = false;
    Elf32_Phdr segment;
    unsigned int i;

    for (i = 0; i < file->header.e_phnum; i++) {
        const char *error = elf_header(file, i, &segment);
        if (error != NULL)
            return error;
        if (segment.p_type == PT_INTERP)
            return "wants a dynamic linker; only static programs can be loaded";
        if (segment.p_type != PT_LOAD || segment.p_memsz == 0)
            continue;
        error = elf_check_segment(file, &segment, end);
        if (error != NULL)
            return error;
        uint64_t start = (uint64_t)segment.p_vaddr + file->bias;
        end = start + segment.p_memsz;
        any = true;
        entered |= entry >= start && entry < end && (segment.p_flags & PF_X);
    }
    if (!any)
        return "has no segment to load";
    return entered ? NULL : "has an entry point outside all executable segments";
}

bool elf_has_memory(void)
{
    return vm_frame_nr_free() >= vm_frame_marks.low;
}

static const char *elf_fill(struct elf_file *file, uintptr_t address, uint32_t offset, uint32_t size)
{
    while (size > 0) {
        uint32_t piece = MIN(size, PAGE_SIZE);
        if (!elf_has_memory())
            return "does not fit into memory";
        boot_module_read(file->module, offset, file->page, piece);
        if (vm_map_write(file->map, address, file->page, piece) != KERN_SUCCESS)
            return "does not fit into memory";
        address += piece;
        offset += piece;
        size -= piece;
    }
    return NULL;
}

static vm_prot_t elf_prot(uint32_t flags)
{
    return (flags & PF_R ? VM_PROT_READ : 0) | (flags & PF_W ? VM_PROT_WRITE : 0) | (flags & PF_X ? VM_PROT_EXECUTE : 0);
}

/* What one segment leaves for the next. */
struct elf_border {
    uintptr_t end;          /* of the last page mapped */
    vm_prot_t prot;         /* of that page */
};

static const char *elf_load_segment(struct elf_file *file, const Elf32_Phdr *segment, struct elf_border *border)
{
    uintptr_t start = segment->p_vaddr + file->bias;
    uintptr_t first = page_trunc(start), end = page_round(start + segment->p_memsz);
    uintptr_t fresh = MAX(first, border->end);
    vm_prot_t prot = elf_prot(segment->p_flags);

    if (fresh < end) {
        struct vm_map_request request = {
            .address = fresh,
            .size = end - fresh,
            .protection = VM_PROT_READ | VM_PROT_WRITE,
            .max_protection = VM_PROT_ALL,
            .inheritance = VM_INHERIT_COPY,
        };
        if (vm_map_enter(file->map, &request) != KERN_SUCCESS)
            return "has segments for which there is no room";
    }
    if (first < fresh) { /* a page shared with the segment before */
        border->prot |= prot;
        if (vm_map_protect(file->map, first, fresh, VM_PROT_READ | VM_PROT_WRITE, false) != KERN_SUCCESS)
            return "does not fit into memory";
    }
    const char *error = elf_fill(file, start, segment->p_offset, segment->p_filesz);
    if (error != NULL)
        return error;
    if (first < fresh && vm_map_protect(file->map, first, fresh, border->prot, false) != KERN_SUCCESS)
        return "does not fit into memory";
    if (fresh < end) {
        if (vm_map_protect(file->map, fresh, end, prot, false) != KERN_SUCCESS)
            return "does not fit into memory";
        border->end = end;
        border->prot = prot;
    }
    return NULL;
}

static const char *elf_load_segments(struct elf_file *file)
{
    struct elf_border border = {0, VM_PROT_NONE};
    const char *error = NULL;
    Elf32_Phdr segment;
    unsigned int i;

    for (i = 0; i < file->header.e_phnum && error == NULL; i++) {
        error = elf_header(file, i, &segment);
        if (error == NULL && segment.p_type == PT_LOAD && segment.p_memsz > 0)
            error = elf_load_segment(file, &segment, &border);
    }
    return error;
}

const char *elf_load(const struct boot_module *module, struct vm_map *map, uintptr_t *entry)
{
    struct elf_file file = {.module = module, .map = map};
    const char *error = elf_check_header(&file);

    if (error == NULL)
        error = elf_check_segments(&file);
    if (error != NULL)
        return error;
    file.page = kmem_alloc(PAGE_SIZE, ALLOC_SLEEP);
    if (file.page == NULL)
        return "does not fit into memory";
    error = elf_load_segments(&file);
    kmem_free(file.page, PAGE_SIZE);
    *entry = file.header.e_entry + file.bias;
    return error;
}
