#include "sql/exec/verdict.h"

#include <algorithm>
#include <utility>

namespace sql::exec {
namespace {

using schemas::ReferentialAction;

tl::unexpected<DbError> over_cap(const char* internal, Tally tally) {
    return tl::unexpected(DbError{DbFault::over_cascade_cap, Fate::keep, {}, {}, internal, std::move(tally)});
}

bool forbids(const Reached& one) { return one.action == ReferentialAction::restrict || one.action == ReferentialAction::no_action; }

// A key that forbids the write by its own word is told rather than one whose action the database only cannot carry out.
const Reached& preferred(const std::vector<Reached>& obstacles) {
    const auto found = std::find_if(obstacles.begin(), obstacles.end(), forbids);
    return found == obstacles.end() ? obstacles.front() : *found;
}

void tell(DbError& error, const Followed& followed, const Reached& obstacle) {
    const MapKey& key = followed.map->keys[obstacle.key];
    error.constraint = key.key.name;
    error.tally = Tally{obstacle.rows, false, 0, followed.map->tables[key.child].table->name.text(), std::nullopt};
}

}  // namespace

bool has_unknown_default(const Followed& followed) {
    return std::any_of(followed.consequences.effects.begin(), followed.consequences.effects.end(), [&](const Reached& effect) {
        const MapKey& one = followed.map->keys[effect.key];
        return effect.action == ReferentialAction::set_default &&
               std::any_of(followed.map->keys.begin(), followed.map->keys.end(), [&](const MapKey& other) {
                   return &other != &one && other.child == one.child &&
                          std::any_of(other.child_columns.begin(), other.child_columns.end(), [&](std::size_t place) {
                              return std::find(one.child_columns.begin(), one.child_columns.end(), place) != one.child_columns.end();
                          });
               });
    });
}

std::optional<DbError> obstacle(const Followed& followed) {
    if (!followed.consequences.is_refused()) {
        return std::nullopt;
    }
    DbError error{DbFault::foreign_key_violated, Fate::keep, {}, {}, "rows that refer to these are in the way", Tally{}};
    if (!followed.consequences.obstacles.empty()) {
        Reached told = preferred(followed.consequences.obstacles);
        told.rows = 0;  // those of rows that go, and those of rows that change
        for (const Reached& one : followed.consequences.obstacles) {
            told.rows += one.key == told.key ? one.rows : 0;
        }
        tell(error, followed, told);
    }
    return error;
}

void contest_obstacles(Consequences& found) {
    // In front: should the database refuse without a name, it was most likely for these.
    std::stable_partition(found.obstacles.begin(), found.obstacles.end(), forbids);
    found.contested.insert(found.contested.begin(), found.obstacles.begin(), found.obstacles.end());
    found.obstacles.clear();
    found.is_decided = false;
}

DbError with_rows_in_the_way(DbError error, const Followed& followed) {
    if (error.fault != DbFault::foreign_key_violated || !followed.map) {
        return error;
    }
    std::optional<Reached> told;
    for (const Reached& one : followed.consequences.contested) {
        // Where the database names the key, it is that one or none: another was not what refused the write.
        const bool is_meant = error.constraint.empty() || followed.map->keys[one.key].key.name == error.constraint;
        if (one.rows == 0 || !is_meant) {
            continue;
        }
        if (!told) {
            told = one;
        } else if (told->key == one.key) {
            told->rows += one.rows;  // those of rows that go, and those of rows that change
        }
    }
    if (told) {
        tell(error, followed, *told);
    }
    return error;
}

DbResult<void> check_cascade_caps(const Followed& followed, std::uint64_t rows, const plan::Precautions& precautions) {
    const std::uint64_t all = rows + followed.consequences.rows;
    if (precautions.affected_max && all > precautions.affected_max->rows) {
        return over_cap("with those that foreign keys reach, more rows than may be",
                      Tally{all, followed.consequences.is_cut, followed.consequences.rows, {}, precautions.affected_max});
    }
    if (precautions.cascaded_max && followed.consequences.rows > *precautions.cascaded_max) {
        return over_cap("foreign keys reach more rows than may be",
                      Tally{all, followed.consequences.is_cut, followed.consequences.rows, {}, plan::Cap{*precautions.cascaded_max, plan::CapSource::cascades}});
    }
    if (precautions.count_cascades() && followed.consequences.is_cut) {
        return tl::unexpected(DbError{DbFault::cascade_uncountable, Fate::keep, {}, {}, "more rows than can be followed"});
    }
    return {};
}

void describe(const Followed& followed, bool is_delete, Preview& preview) {
    for (const Reached& effect : followed.consequences.effects) {
        const MapKey& key = followed.map->keys[effect.key];
        preview.cascades.push_back({followed.map->tables[key.child].table->name.text(), key.key.name, effect.action, effect.rows});
    }
    const schemas::TriggerEvent event = is_delete ? schemas::TriggerEvent::remove : schemas::TriggerEvent::update;
    for (const schemas::Trigger& trigger : followed.map->triggers) {
        if (trigger.event == event) {
            preview.triggers.push_back(trigger.name);
        }
    }
    preview.are_triggers_known = followed.map->are_triggers_complete;
}

}  // namespace sql::exec
