#include "sql/backends.h"

#include "sql/mysql/connection.h"
#include "sql/sqlite/connection.h"

namespace sql {

std::unique_ptr<exec::Database> open_mysql(const MysqlSettings& settings, const CommonSettings& common) {
    return mysql::open(settings, common);
}

std::unique_ptr<exec::Database> open_sqlite(const SqliteSettings& settings, const CommonSettings& common) {
    return sqlite::open(settings, common);
}

void start() {
    mysql::start();
}

}  // namespace sql
