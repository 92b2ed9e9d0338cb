/* Shrinking faults by ddmin (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing
 * Input", 2002): parts of the list are left out, larger ones first, as long as the failure stays
 * the same. What is recorded is what struck, so that leaving one out does not move the others. */
#include "shrink.h"

#include <stdlib.h>
#include <string.h>

struct shrinking {
    struct play *play;
    struct scenario_outcome *outcome;
    size_t runs, runs_max;
};

/* Whether a play fails in the same way; then it is the one to go on with. */
static bool holds(struct shrinking *this, const struct play *candidate)
{
    struct scenario_outcome outcome;

    if (this->runs == this->runs_max)
        return false;
    this->runs++;
    play_run_apart(candidate, &outcome, NULL);
    if (!play_same_failure(&outcome, this->outcome))
        return false;
    *this->outcome = outcome;
    return true;
}

/* --- faults */

/* Without count faults from first on. */
static bool try_without(struct shrinking *this, size_t first, size_t count)
{
    struct play *play = this->play;
    struct play candidate = *play;

    candidate.fault_count = play->fault_count - count;
    candidate.faults = calloc(candidate.fault_count + 1, sizeof(*candidate.faults));
    if (candidate.faults == NULL)
        return false;
    memcpy(candidate.faults, play->faults, first * sizeof(*play->faults));
    memcpy(candidate.faults + first, play->faults + first + count,
           (candidate.fault_count - first) * sizeof(*play->faults));
    if (!holds(this, &candidate)) {
        free(candidate.faults);
        return false;
    }
    free(play->faults);
    *play = candidate;
    return true;
}

/* The faults that struck instead of those that are drawn, if they do it as well. Where no faults
 * are known, because the process died, they stay drawn. */
static void take_faults(struct shrinking *this)
{
    struct play candidate = *this->play;

    candidate.is_replay = true;
    if (holds(this, &candidate))
        *this->play = candidate;
    else
        play_clear(this->play);
}

static void shrink_faults(struct shrinking *this)
{
    size_t size = this->play->fault_count;

    while (size > 0 && this->runs < this->runs_max) {
        bool some = false;

        for (size_t first = 0; first < this->play->fault_count;) {
            const size_t left = this->play->fault_count - first;
            const size_t count = size < left ? size : left;

            if (try_without(this, first, count))
                some = true;
            else
                first += count;
        }
        if (size == 1 && !some)
            break;
        size = some && size == 1 ? 1 : size / 2;
    }
}

/* --- numbers */

#define LONGEST WHERRY_SECONDS(512) /* that faults and troubles go on in a scenario */
#define MOST 64                     /* of what a scenario has of anything */

/* Makes one limit as low as it goes, by halves. */
static void shrink_number(struct shrinking *this, unsigned *limit, unsigned least)
{
    unsigned low = least, high = *limit < MOST ? *limit : MOST;

    while (low < high && this->runs < this->runs_max) {
        const unsigned middle = low + (high - low) / 2;
        const unsigned former = *limit;

        *limit = middle;
        if (holds(this, this->play)) {
            high = middle;
        } else {
            *limit = former;
            low = middle + 1;
        }
    }
}

static void shrink_time(struct shrinking *this)
{
    while (this->runs < this->runs_max) {
        const int64_t former = this->play->limits.time;

        this->play->limits.time = (former == INT64_MAX ? LONGEST : former) / 2;
        if (this->play->limits.time > 0 && holds(this, this->play))
            continue;
        this->play->limits.time = former;
        break;
    }
}

size_t shrink(struct play *play, struct scenario_outcome *outcome, size_t runs)
{
    struct shrinking this = { .play = play, .outcome = outcome, .runs_max = runs };

    play->is_silent = true; /* it would say the same again and again */
    if (!play->is_replay)
        take_faults(&this);
    shrink_faults(&this);
    shrink_number(&this, &play->limits.troubles, 0);
    shrink_number(&this, &play->limits.hosts, 1);
    shrink_number(&this, &play->limits.jobs, 1);
    shrink_time(&this);
    shrink_faults(&this);
    return this.runs;
}
