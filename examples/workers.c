/* A group of tasks that share the work in a queue: three workers, of which each takes the next job
 * when it is done with its last one. The first failure would cancel the rest.
 * Run it: workers */
#include <wherry.h>

enum { WORKERS = 3, JOBS = 10 };

typedef struct job {
    int number;
    int result;
} job;

/* WHERRY_E_END says that the queue is closed and empty: the work is done. */
static int work(void *argument)
{
    wherry_queue *queue = argument;
    void *item;
    int result;

    while ((result = wherry_queue_take(queue, &item, WHERRY_NEVER)) == WHERRY_OK) {
        job *this = item;

        result = wherry_sleep(wherry_in(WHERRY_MILLISECONDS(1))); /* hard work */
        if (result < 0)
            return result;
        this->result = this->number * this->number;
    }
    return result == WHERRY_E_END ? WHERRY_OK : result;
}

static int share_out(wherry_queue *queue, wherry_group *group, job *jobs)
{
    int result = WHERRY_OK;
    int failure = WHERRY_OK;

    for (int i = 0; i < WORKERS && result == WHERRY_OK; i++)
        result = wherry_spawn(NULL, work, queue, .name = "worker", .group = group);
    for (int i = 0; i < JOBS && result == WHERRY_OK; i++) {
        jobs[i].number = i;
        result = wherry_queue_put(queue, &jobs[i], WHERRY_NEVER); /* waits for room */
    }
    wherry_queue_close(queue);
    if (result == WHERRY_OK)
        result = wherry_group_join(group, &failure, WHERRY_NEVER);
    return result < 0 ? result : failure;
}

static int run(void *unused)
{
    wherry_queue *queue = NULL;
    wherry_group *group = NULL;
    job jobs[JOBS] = { { 0, 0 } };
    int result = wherry_queue_new(&queue, NULL, 2);

    (void)unused;
    if (result == WHERRY_OK)
        result = wherry_group_new(&group);
    if (result == WHERRY_OK)
        result = share_out(queue, group, jobs);
    for (int i = 0; i < JOBS && result == WHERRY_OK; i++)
        printf("%d squared is %d\n", jobs[i].number, jobs[i].result);
    wherry_group_free(group);
    wherry_queue_free(queue);
    return result;
}

int main(void)
{
    int result = wherry_run(run, NULL);

    if (result < 0)
        fprintf(stderr, "workers: %s\n", wherry_problem());
    return result < 0;
}
