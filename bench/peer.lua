-- What one would write instead of this module, in Lua inside nginx: the token,
-- the names of the context, and an XADD on a connection of the pool. It checks
-- less: no order, no types, no duplicates.

local cjson = require "cjson.safe"

local _M = {}

local NAMES = { "app_identifier", "identity_id", "entitlement_id",
    "expiration", "grant_type", "meta", "creator_id" }


local function refuse(status, code)
    ngx.status = status
    ngx.say(cjson.encode({ status = status, code = code }))
end


local function command(...)
    local parts = { "*", select("#", ...), "\r\n" }

    for _, word in ipairs({ ... }) do
        parts[#parts + 1] = "$" .. #word .. "\r\n" .. word .. "\r\n"
    end

    return table.concat(parts)
end


local function bulk(sock)
    local line = sock:receive()
    local length = line and tonumber(line:match("^%$(%d+)$"))

    return length and (sock:receive(length + 2))
end


function _M.take(path)
    if ngx.var.http_x_clarity_webhook_token ~= "secret" then
        return refuse(401, "token_invalid")
    end

    ngx.req.read_body()

    local body = ngx.req.get_body_data()
    local context = body and cjson.decode(body)

    if type(context) ~= "table" then
        return refuse(400, "json_invalid")
    end

    for _, name in ipairs(NAMES) do
        if context[name] == nil then
            return refuse(422, "context_invalid")
        end
    end

    local sock = ngx.socket.tcp()

    if not sock:connect(path) then
        return refuse(503, "queue_unavailable")
    end

    sock:send(command("XADD", "{clarity:0}:jobs", "*",
        "trigger", "provision_entitlement", "webhook", "POST /lua",
        "context", body, "received", tostring(ngx.now() * 1000),
        "request", ngx.var.request_id, "addr", ngx.var.remote_addr))

    local id = bulk(sock)

    if not id then
        return refuse(504, "queue_timeout")
    end

    sock:setkeepalive(60000, 128)

    ngx.status = 202
    ngx.header["content-type"] = "application/json"
    ngx.say(cjson.encode({
        job_id = "0-" .. id:sub(1, -3),
        trigger = "provision_entitlement",
        status = "accepted",
    }))
end


return _M
