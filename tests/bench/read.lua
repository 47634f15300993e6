-- For wrk: GET of one row by key, ids spread over the table, made before the run so that the client costs as little as it can.
--
--     wrk -s read.lua URL -- ROWS PATH_BEFORE_THE_ID [NAME:VALUE ...]
local requests = {}
local at = 0

function init(arguments)
    local rows = tonumber(arguments[1])
    for i = 3, #arguments do
        local name, value = arguments[i]:match("^([^:]+):(.*)$")
        wrk.headers[name] = value
    end
    math.randomseed(7)
    for i = 1, 2000 do
        requests[i] = wrk.format("GET", arguments[2] .. math.random(1, rows))
    end
end

function request()
    at = at % #requests + 1
    return requests[at]
end
