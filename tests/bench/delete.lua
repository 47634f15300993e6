-- For sysbench: durable deletes by key, each id once, so that every statement removes a row.
-- (sysbench's own oltp_delete draws ids at random: nine of ten of its statements find nothing.)
--
--     sysbench delete.lua --table=NAME --rows=N --threads=32 … run
sysbench.cmdline.options = {
    table = {"Table whose rows are deleted", "victims"},
    rows = {"Ids 1 to this are there", 100000},
}

function thread_init()
    connection = sysbench.sql.driver():connect()
    statement = connection:prepare("DELETE FROM " .. sysbench.opt.table .. " WHERE id = ?")
    id = statement:bind_create(sysbench.sql.type.INT)
    statement:bind_param(id)
    next_id = sysbench.tid + 1
end

function event()
    if next_id > sysbench.opt.rows then
        error("the rows are used up: the run was longer than the table")
    end
    id:set(next_id)
    next_id = next_id + sysbench.opt.threads
    statement:execute()
end

function thread_done()
    statement:close()
    connection:disconnect()
end
