/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The storm's model of contents: which version each page of each memory may hold, for whoever looks.
 *
 * A *memory* is what has contents of its own: a manager's object, anonymous memory that a task or several share, a copy, a
 * message's memory in flight. It is named by pages, and each page by three words, the first, one in the middle and the
 * last, which are written one after the other; so a page that is put together from two versions shows. A *version* is a
 * number that no other write has; 0 is memory that was never written.
 *
 * Time is a counter of the model's events. A word may hold a version from the moment its store begins; the versions before
 * it end when the store is over. A look is right if what it finds was allowed at some moment between its begin and its end.
 * Who copies a page that is being written has either version, and it shows which at the first look. A writer that was ended
 * leaves its page as it is: both versions stay allowed, and nobody writes it again.
 *
 * Nothing here sleeps, and nothing is given back: a run is short.
 */
#ifndef SIM_SCENARIO_STORM_MODEL_H
#define SIM_SCENARIO_STORM_MODEL_H

#include "sim.h"

#define STORM_WORDS 3u

/* What may happen to who looks at a page, beside the version that it must hold. */
enum storm_trust {
    STORM_EXACT = 0,
    STORM_FAILS = 1,            /* an access may fail instead: the manager may be gone */
    STORM_LIES = 2,             /* any version that the page ever had, or that any page was ever given (storm_maybe) */
    STORM_HANGS = 4,            /* an access may wait for ever: the manager may not answer */
};

struct storm_memory;

uint32_t storm_version(void);   /* a new one */
uint32_t storm_now(void);       /* the time: one more at each call */
/* Where word is in a page. */
uint32_t storm_word_offset(unsigned int word);

/* nr_pages that were never written. trust: of each of its pages. */
struct storm_memory *storm_memory_create(uint32_t nr_pages, unsigned int trust);
/* What a copy of the pages [first, first + nr_pages) holds that was made at some moment from time begin to now. */
struct storm_memory *storm_memory_copy(const struct storm_memory *source, uint32_t first, uint32_t nr_pages, uint32_t begin);
uint32_t storm_memory_pages(const struct storm_memory *memory);
/* What any of the pages says of trust. */
unsigned int storm_memory_trust(const struct storm_memory *memory, uint32_t first, uint32_t nr_pages);

/*
 * Pages that one thread works on and nobody else may write. Whether it has got them; it gives them back with unlock,
 * unless it is ended.
 */
bool storm_lock(struct storm_memory *memory, uint32_t first, uint32_t nr_pages);
void storm_unlock(struct storm_memory *memory, uint32_t first, uint32_t nr_pages);

/* A write of version to a locked page: begin and end of each word's store; failed: it has not been made. */
void storm_store_begin(struct storm_memory *memory, uint32_t page, unsigned int word, uint32_t version);
void storm_store_end(struct storm_memory *memory, uint32_t page, unsigned int word, uint32_t version);
void storm_store_failed(struct storm_memory *memory, uint32_t page, unsigned int word, uint32_t version);

/*
 * A copy of locked pages over locked pages, between a begin, which gives the time, and an end. Without an end it may
 * have been made, or not, for each page.
 */
uint32_t storm_overwrite_begin(struct storm_memory *to, uint32_t to_first, const struct storm_memory *from,
                               uint32_t from_first, uint32_t nr_pages);
void storm_overwrite_end(struct storm_memory *to, uint32_t to_first, uint32_t nr_pages, uint32_t begin);

/* A look that began at time begin has found version; ends the run when that cannot be. who: for the message. */
void storm_look(struct storm_memory *memory, uint32_t page, unsigned int word, uint32_t version, uint32_t begin,
                const char *who);

/* ---- for managers ---- */

/* page has these words from now on, whatever it had; or a word of it may be version from now on. */
void storm_begin_with(struct storm_memory *memory, uint32_t page, const uint32_t words[STORM_WORDS]);
void storm_maybe(struct storm_memory *memory, uint32_t page, unsigned int word, uint32_t version);
/* Ends the run unless word of page has ever been version, and never before it was what it is in the manager's store. */
void storm_check_return(const struct storm_memory *memory, uint32_t page, unsigned int word, uint32_t version,
                        uint32_t stored);
/* Ends the run unless word of page, which nobody can write any more, is allowed to be stored. */
void storm_check_stored(const struct storm_memory *memory, uint32_t page, unsigned int word, uint32_t stored);
/* When page was written last, or may have been marked as if; now, if somebody is at it. */
uint32_t storm_written(const struct storm_memory *memory, uint32_t page);
/* It may be marked as written from now on, though nothing changes. */
void storm_mark(struct storm_memory *memory, uint32_t first, uint32_t nr_pages);

#endif
