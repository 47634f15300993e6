/* The most that SQLite itself gives: rows deleted by their key, each in a transaction of its own, with the gateway's settings (WAL,
 * synchronous=FULL), in one loop without a server. Started by tests/bench/run; it changes the file it is given.
 *
 *     sqlite_loop FILE TABLE SECONDS        prints "rows seconds"
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static sqlite3 *database;

static void must(int code, int wanted) {
    if (code != wanted) {
        fprintf(stderr, "sqlite_loop: %s\n", sqlite3_errmsg(database));
        exit(1);
    }
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: sqlite_loop FILE TABLE SECONDS\n");
        return 2;
    }
    must(sqlite3_open_v2(argv[1], &database, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    must(sqlite3_exec(database, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON", NULL, NULL, NULL), SQLITE_OK);
    char text[256];
    snprintf(text, sizeof text, "DELETE FROM \"%s\" WHERE id = ?", argv[2]);
    sqlite3_stmt *statement;
    must(sqlite3_prepare_v2(database, text, -1, &statement, NULL), SQLITE_OK);
    const double start = now();
    const double end = start + atof(argv[3]);
    long rows = 0;
    for (long id = 1; now() < end; ++id) {
        must(sqlite3_bind_int64(statement, 1, id), SQLITE_OK);
        must(sqlite3_step(statement), SQLITE_DONE);
        rows += sqlite3_changes(database);
        must(sqlite3_reset(statement), SQLITE_OK);
    }
    printf("%ld %.6f\n", rows, now() - start);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return 0;
}
