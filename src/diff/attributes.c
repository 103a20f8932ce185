/* attributes.c: AttributeProto. Where the type itself changed, the values of both are told once, side by side. */
#include "diff/messages.h"
#include "diff/words.h"

#include <string.h>

/* Fields that say what the attribute holds; the others are about it. */
static bool is_content(const eki_member *member) {
    static const char *const about[] = {"name", "ref_attr_name", "doc_string"};
    for (size_t i = 0; i < sizeof about / sizeof *about; i++) {
        if (strcmp(member->name, about[i]) == 0) return false;
    }
    return true;
}

static int64_t type_of(const eki_message *type, eki_bytes attribute, char words[EKI_WORDS]) {
    const eki_member member = eki_member_named(type, "type");
    eki_item item = {0};
    (void)eki_item_of(attribute, &member, &item);
    (void)eki_item_words(&member, &item, words);
    return (int64_t)item.value;
}

ek_status eki_compare_attributes(eki_comparison *c, const eki_message *type, eki_bytes a, eki_bytes b,
                                 const eki_spot *at) {
    char left[EKI_WORDS], right[EKI_WORDS], left_type[EKI_WORDS], right_type[EKI_WORDS];
    bool other = type_of(type, a, left_type) != type_of(type, b, right_type);
    if (other) {
        EKI_TRY(eki_tell(c, at, NULL, 0, "%s %s -> %s %s", left_type, eki_message_words(type, a, left), right_type,
                         eki_message_words(type, b, right)));
    }
    for (size_t i = 0; i < eki_message_count(type); i++) {
        eki_member member = eki_message_member(type, i);
        bool done;
        if (other && is_content(&member)) continue;
        EKI_TRY(eki_compare_by_rule(c, type, &member, a, b, at, &done));
        eki_spot spot = {.up = at, .role = EKI_SPOT_FIELD, .field = member.name};
        if (!done) EKI_TRY(eki_compare_member(c, &member, a, b, &spot));
    }
    return eki_compare_unknown(c, type, a, b, at);
}
