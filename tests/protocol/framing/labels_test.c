#define NONE4 "\0\0\0\0"
#define NONE28 NONE4 NONE4 NONE4 NONE4 NONE4 NONE4 NONE4
#define FULL "0123456789abcdefghijklmnopqrstuv"

static void test_labels_are_filled_up(void **state)
{
    (void)state;
    assert_decodes(&wherry__form_labels, BYTES("left" NONE28 FULL NONE4 NONE28),
                   "[left]@0 [" FULL "]@32 []@64");
    assert_decodes(&wherry__form_labels, BYTES(FULL "left"), "[" FULL "]@0 truncated@32");
}

static void test_labels_have_a_limit(void **state)
{
    wherry__settings settings = wherry__form_labels;

    (void)state;
    settings.message_size_max = 4;
    assert_decodes(&settings, BYTES("left" NONE28 FULL "up\0\0" NONE28),
                   "[left]@0 malformed@32 [up]@64");
}

static void test_labels_come_out_again(void **state)
{
    (void)state;
    assert_carries(&wherry__form_labels, BYTES(""));
    assert_carries(&wherry__form_labels, BYTES("a\0b"));
    assert_carries(&wherry__form_labels, BYTES(FULL));
    assert_refuses(&wherry__form_labels, BYTES("ab\0"), "ends with a zero");
}
