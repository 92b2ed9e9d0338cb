static int an_hour(void *result)
{
    int64_t begin = wherry_loop_now(wherry_loop_current());

    *(int *)result = wherry_sleep(wherry_in(WHERRY_SECONDS(3600)));
    assert_true(wherry_loop_now(wherry_loop_current()) - begin >= WHERRY_SECONDS(3600));
    return 0;
}

static int three_sends(void *stream)
{
    for (int i = 0; i < 3; i++)
        assert_int_equal(wherry_stream_send(stream, wherry_text("and "), WHERRY_NOW), WHERRY_OK);
    wherry_stream_close(stream);
    return 0;
}

static void test_an_hour_passes_in_a_millisecond(void **state)
{
    metered_system metered;
    wherry_loop *loop;
    int result = -1;

    (void)state;
    metered_system_init(&metered, wherry_system_epoll(), 3600 * 1000);
    assert_int_equal(wherry_loop_new(&loop, .system = &metered.base), WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, an_hour, &result, .loop = loop), WHERRY_OK);
    assert_int_equal(wherry_loop_run(loop), WHERRY_OK);
    assert_int_equal(result, WHERRY_OK);
    wherry_loop_free(loop);
}

static void test_the_sends_of_a_pass_leave_in_one(void **state)
{
    metered_system metered;
    wherry_stream *stream;
    wherry_loop *loop;
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    metered_system_init(&metered, wherry_system_epoll(), 1);
    assert_int_equal(wherry_loop_new(&loop, .system = &metered.base), WHERRY_OK);
    assert_int_equal(wherry_stream_new(&stream, .loop = loop, .descriptor = ends[0]), WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, three_sends, stream, .loop = loop), WHERRY_OK);
    assert_int_equal(wherry_loop_run(loop), WHERRY_OK);
    assert_int_equal(metered.sends, 1);
    assert_int_equal(metered.sent, 12);
    wherry_stream_free(stream);
    wherry_loop_free(loop);
    close(ends[1]);
}
