/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model of contents: a history of each page.
 *
 * A page has a list of entries, one for each version that it may have held, with the time from which and until which each
 * word may have been it. Finding a version that has been looked at ends what is older than it, and what could have been in
 * its place: so two looks one after the other cannot go back.
 *
 * Rejected: one version a page and a check only when nobody writes. Most of what goes wrong does so beside a write.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prog.h"
#include "scenario_storm_model.h"

#define STORM_NEVER UINT32_MAX  /* as a begin: not at all; as an end: not yet */

struct storm_entry {
    uint32_t version;
    uint32_t from[STORM_WORDS], to[STORM_WORDS];
};

struct storm_page {
    struct storm_entry *entries;        /* in the order in which they came */
    unsigned int nr_entries, max_entries;
    unsigned int trust;
    uint32_t written;                   /* when a write, or what marks the page as written, was over last */
    bool locked;
};

struct storm_memory {
    uint32_t number, nr_pages;
    struct storm_page pages[];
};

/* What managers ever gave for a word of a page that it never was: who has a delayed copy may see it long afterwards. */
static struct storm_lie {
    uint32_t version;
    unsigned int word;
} *storm_lies;
static unsigned int storm_nr_lies, storm_max_lies;

static uint32_t storm_time, storm_versions, storm_memories;

uint32_t storm_version(void)
{
    return ++storm_versions;
}

uint32_t storm_now(void)
{
    return ++storm_time;
}

uint32_t storm_word_offset(unsigned int word)
{
    static const uint32_t offsets[STORM_WORDS] = {0, 2052, PAGE_SIZE - 4};

    return offsets[word];
}

/* ---- entries ---- */

/* Not yet possible in any word. */
static struct storm_entry *storm_page_add(struct storm_page *page, uint32_t version)
{
    struct storm_entry *entry;

    if (page->nr_entries == page->max_entries) {
        page->max_entries = page->max_entries == 0 ? 2 : 2 * page->max_entries;
        page->entries = realloc(page->entries, page->max_entries * sizeof(*page->entries));
        sim_check(page->entries != NULL);
    }
    entry = &page->entries[page->nr_entries++];
    entry->version = version;
    for (unsigned int word = 0; word < STORM_WORDS; word++)
        entry->from[word] = entry->to[word] = STORM_NEVER;
    return entry;
}

static struct storm_entry *storm_page_last(struct storm_page *page, uint32_t version)
{
    for (unsigned int i = page->nr_entries; i-- > 0;) {
        if (page->entries[i].version == version)
            return &page->entries[i];
    }
    return NULL;
}

/* Whether word could be the entry's version at some moment of [begin, end]. */
static bool storm_entry_allows(const struct storm_entry *entry, unsigned int word, uint32_t begin, uint32_t end)
{
    return entry->from[word] <= end && entry->to[word] >= begin;
}

static struct storm_page *storm_page_at(struct storm_memory *memory, uint32_t page)
{
    sim_check(page < memory->nr_pages);
    return &memory->pages[page];
}

static const struct storm_page *storm_page_of(const struct storm_memory *memory, uint32_t page)
{
    sim_check(page < memory->nr_pages);
    return &memory->pages[page];
}

/* ---- lies ---- */

static bool storm_lied(const struct storm_page *page, unsigned int word, uint32_t version)
{
    bool lied = false;

    for (unsigned int i = 0; (page->trust & STORM_LIES) != 0 && i < storm_nr_lies && !lied; i++)
        lied = storm_lies[i].version == version && storm_lies[i].word == word;
    return lied;
}

static void storm_lie(const struct storm_page *page, unsigned int word, uint32_t version)
{
    if ((page->trust & STORM_LIES) == 0 || storm_lied(page, word, version))
        return;
    if (storm_nr_lies == storm_max_lies) {
        storm_max_lies = storm_max_lies == 0 ? 16 : 2 * storm_max_lies;
        storm_lies = realloc(storm_lies, storm_max_lies * sizeof(*storm_lies));
        sim_check(storm_lies != NULL);
    }
    storm_lies[storm_nr_lies++] = (struct storm_lie){.version = version, .word = word};
}

/* ---- memories ---- */

static struct storm_memory *storm_memory_bare(uint32_t nr_pages)
{
    struct storm_memory *memory = calloc(1, sizeof(*memory) + nr_pages * sizeof(memory->pages[0]));

    sim_check(memory != NULL);
    memory->number = ++storm_memories;
    memory->nr_pages = nr_pages;
    return memory;
}

struct storm_memory *storm_memory_create(uint32_t nr_pages, unsigned int trust)
{
    struct storm_memory *memory = storm_memory_bare(nr_pages);
    uint32_t now = storm_now();

    for (uint32_t i = 0; i < nr_pages; i++) {
        struct storm_entry *entry = storm_page_add(&memory->pages[i], 0);

        memory->pages[i].trust = trust;
        for (unsigned int word = 0; word < STORM_WORDS; word++)
            entry->from[word] = now;
    }
    return memory;
}

/* Adds to page, from now on, what source may have been in [begin, now]. */
static void storm_page_take(struct storm_page *page, const struct storm_page *source, uint32_t begin, uint32_t now)
{
    uint32_t since = source->trust & STORM_LIES ? 0 : begin;

    for (unsigned int i = 0; i < source->nr_entries; i++) {
        struct storm_entry candidate = source->entries[i];
        struct storm_entry *entry = NULL;

        for (unsigned int word = 0; word < STORM_WORDS; word++) {
            if (!storm_entry_allows(&candidate, word, since, now))
                continue;
            if (entry == NULL)
                entry = storm_page_add(page, candidate.version);
            entry->from[word] = now;
        }
    }
    page->trust |= source->trust;
}

struct storm_memory *storm_memory_copy(const struct storm_memory *source, uint32_t first, uint32_t nr_pages, uint32_t begin)
{
    struct storm_memory *memory = storm_memory_bare(nr_pages);
    uint32_t now = storm_now();

    for (uint32_t i = 0; i < nr_pages; i++)
        storm_page_take(&memory->pages[i], storm_page_of(source, first + i), begin, now);
    return memory;
}

uint32_t storm_memory_pages(const struct storm_memory *memory)
{
    return memory->nr_pages;
}

unsigned int storm_memory_trust(const struct storm_memory *memory, uint32_t first, uint32_t nr_pages)
{
    unsigned int trust = 0;

    for (uint32_t i = 0; i < nr_pages; i++)
        trust |= storm_page_of(memory, first + i)->trust;
    return trust;
}

/* ---- writes ---- */

bool storm_lock(struct storm_memory *memory, uint32_t first, uint32_t nr_pages)
{
    for (uint32_t i = 0; i < nr_pages; i++) {
        if (storm_page_at(memory, first + i)->locked) {
            storm_unlock(memory, first, i);
            return false;
        }
        memory->pages[first + i].locked = true;
    }
    return true;
}

void storm_unlock(struct storm_memory *memory, uint32_t first, uint32_t nr_pages)
{
    for (uint32_t i = 0; i < nr_pages; i++)
        storm_page_at(memory, first + i)->locked = false;
}

void storm_store_begin(struct storm_memory *memory, uint32_t page, unsigned int word, uint32_t version)
{
    struct storm_page *at = storm_page_at(memory, page);
    struct storm_entry *entry = word == 0 ? NULL : storm_page_last(at, version);

    sim_check(at->locked);
    if (entry == NULL)
        entry = storm_page_add(at, version);
    entry->from[word] = storm_now();
}

void storm_store_end(struct storm_memory *memory, uint32_t page, unsigned int word, uint32_t version)
{
    struct storm_page *at = storm_page_at(memory, page);
    uint32_t now = storm_now();

    for (unsigned int i = 0; i < at->nr_entries; i++) {
        struct storm_entry *entry = &at->entries[i];

        if (entry->version != version)
            entry->to[word] = MIN(entry->to[word], now);
    }
    at->written = now;
}

void storm_store_failed(struct storm_memory *memory, uint32_t page, unsigned int word, uint32_t version)
{
    struct storm_page *at = storm_page_at(memory, page);

    storm_page_last(at, version)->from[word] = STORM_NEVER;
    at->written = storm_now();
}

uint32_t storm_overwrite_begin(struct storm_memory *to, uint32_t to_first, const struct storm_memory *from,
                               uint32_t from_first, uint32_t nr_pages)
{
    uint32_t now = storm_now();

    for (uint32_t i = 0; i < nr_pages; i++) {
        struct storm_page *page = storm_page_at(to, to_first + i);
        const struct storm_page *source = storm_page_of(from, from_first + i);

        sim_check(page->locked && source->locked);
        storm_page_take(page, source, now, now);
    }
    return now;
}

void storm_overwrite_end(struct storm_memory *to, uint32_t to_first, uint32_t nr_pages, uint32_t begin)
{
    uint32_t now = storm_now();

    for (uint32_t i = 0; i < nr_pages; i++) {
        struct storm_page *page = storm_page_at(to, to_first + i);

        for (unsigned int k = 0; k < page->nr_entries; k++) {
            struct storm_entry *entry = &page->entries[k];

            for (unsigned int word = 0; word < STORM_WORDS; word++) {
                if (entry->from[word] < begin)
                    entry->to[word] = MIN(entry->to[word], now);
            }
        }
        page->written = now;
    }
}

/* ---- looks ---- */

static void storm_show(const struct storm_memory *memory, uint32_t page, unsigned int word)
{
    const struct storm_page *at = storm_page_of(memory, page);

    printf("# memory %u, page %u, word %u, trust %u%s; versions and their times:\n", memory->number, page, word, at->trust,
           at->locked ? ", locked" : "");
    for (unsigned int i = 0; i < at->nr_entries; i++) {
        const struct storm_entry *entry = &at->entries[i];

        printf("#   %u: %d to %d\n", entry->version, (int)entry->from[word], (int)entry->to[word]);
    }
}

void storm_look(struct storm_memory *memory, uint32_t page, unsigned int word, uint32_t version, uint32_t begin,
                const char *who)
{
    struct storm_page *at = storm_page_at(memory, page);
    uint32_t now = storm_now(), since = at->trust & STORM_LIES ? 0 : begin, oldest = STORM_NEVER;

    if (storm_lied(at, word, version))
        return;
    for (unsigned int i = 0; i < at->nr_entries; i++) {
        const struct storm_entry *entry = &at->entries[i];

        if (entry->version == version && storm_entry_allows(entry, word, since, now))
            oldest = MIN(oldest, entry->from[word]);
    }
    if (oldest == STORM_NEVER) {
        storm_show(memory, page, word);
        sim_fail("%s: page %u of memory %u reads %u in word %u, from time %u to %u", who, page, memory->number, version,
                 word, begin, now);
    }
    if (at->trust & STORM_LIES)
        return;
    for (unsigned int i = 0; i < at->nr_entries; i++) {
        struct storm_entry *entry = &at->entries[i];

        if (entry->version != version && entry->from[word] <= oldest)
            entry->to[word] = MIN(entry->to[word], now);
    }
}

/* ---- managers ---- */

void storm_begin_with(struct storm_memory *memory, uint32_t page, const uint32_t words[STORM_WORDS])
{
    sim_check(storm_lock(memory, page, 1));
    for (unsigned int word = 0; word < STORM_WORDS; word++) {
        storm_store_begin(memory, page, word, words[word]);
        storm_store_end(memory, page, word, words[word]);
    }
    storm_unlock(memory, page, 1);
}

void storm_maybe(struct storm_memory *memory, uint32_t page, unsigned int word, uint32_t version)
{
    struct storm_page *at = storm_page_at(memory, page);

    storm_page_add(at, version)->from[word] = storm_now();
    storm_lie(at, word, version);
}

void storm_check_return(const struct storm_memory *memory, uint32_t page, unsigned int word, uint32_t version,
                        uint32_t stored)
{
    const struct storm_page *at = storm_page_of(memory, page);
    uint32_t newest = 0, oldest = STORM_NEVER, now = storm_now();

    for (unsigned int i = 0; i < at->nr_entries; i++) {
        const struct storm_entry *entry = &at->entries[i];

        if (entry->version == version && entry->from[word] <= now)
            newest = MAX(newest, entry->from[word]);
        if (entry->version == stored)
            oldest = MIN(oldest, entry->from[word]);
    }
    if (storm_lied(at, word, version))
        return;
    if (newest != 0 && (newest >= oldest || oldest == STORM_NEVER || (at->trust & STORM_LIES) != 0))
        return;
    storm_show(memory, page, word);
    sim_fail("page %u of memory %u comes back with %u in word %u; the manager has %u", page, memory->number, version, word,
             stored);
}

void storm_check_stored(const struct storm_memory *memory, uint32_t page, unsigned int word, uint32_t stored)
{
    const struct storm_page *at = storm_page_of(memory, page);
    uint32_t now = storm_now();

    if (at->trust & STORM_LIES)
        return;
    for (unsigned int i = 0; i < at->nr_entries; i++) {
        if (at->entries[i].version == stored && storm_entry_allows(&at->entries[i], word, now, now))
            return;
    }
    storm_show(memory, page, word);
    sim_fail("page %u of memory %u is %u in word %u at its manager when the object ends", page, memory->number, stored,
             word);
}

uint32_t storm_written(const struct storm_memory *memory, uint32_t page)
{
    const struct storm_page *at = storm_page_of(memory, page);

    return at->locked ? storm_now() : at->written;
}

void storm_mark(struct storm_memory *memory, uint32_t first, uint32_t nr_pages)
{
    for (uint32_t i = 0; i < nr_pages; i++)
        storm_page_at(memory, first + i)->written = storm_now();
}
