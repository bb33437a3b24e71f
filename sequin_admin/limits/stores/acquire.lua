-- Acquires permits: CredentialLimiter.acquire() in limiter_state.py, for Redis from 6.2 on.
--
-- KEYS: meta (hash), starts, leases, line (sorted sets), with a scope its starts and leases, and the
--       marker of its part of the store: since when its content is known (us), set by mark.lua.
-- ARGV: allowed, interval, at once, n, priority, wait, lease, within, ticket, scope, and with a
--       scope its allowed, interval, at once. Durations in us.
-- Returns, separated by spaces: now, starts_in, retry_in, ticket or -, leases...; a refusal because
-- the store started empty ends with `quiet`. Or nothing is decided: `empty` when the marker is
-- missing; `unrecorded`, the number of a window and since when the store is known, in us ago, when
-- record.lua shall add what was used before.
local HORIZON, LEAD, LATE, ABANDONED = 50000, 45000, 20000, 2000000
local LONGEST_LINE, FARTHEST_TICKET, MOST_UNCAPPED = 1000, 60000000, 1000
local FIRST_HOLD, SHORTEST_POLL = 20000, 2000
local BLOCKS, SHARES, MOST_CREDIT = 1000, {0, 0.2, 0.05}, 5
local MARGIN = 60000000 -- keys expire a minute after their content
local LONGEST_QUIET = 60000000 -- a longer interval starts with what was recorded
local TIDY = 16 -- expired members are removed at one in so many grants

local call, max, min, floor, ceil = redis.call, math.max, math.min, math.floor, math.ceil
local time = call('TIME')
local now = time[1] * 1000000 + time[2]
local scope, ticket = ARGV[10], ARGV[9]
local n, priority = tonumber(ARGV[4]), tonumber(ARGV[5])
local wait, lease, within = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])

local known_since = tonumber(call('GET', KEYS[#KEYS]) or nil)
if not known_since then return 'empty' end
if known_since > now then -- The clock was set back.
  known_since = now
  call('SET', KEYS[#KEYS], now)
end

local names = {'granted', 'queued', 'paused', 'left', 'left_until', 'hold', 'last', 'kept',
               'credit2', 'credit3', 'block', 'filled', 'line_until', 'recorded'}
if scope ~= '' then
  names[15], names[16] = 'block:' .. scope, 'filled:' .. scope
  names[17] = 'recorded:' .. scope
end
local meta = call('HMGET', KEYS[1], unpack(names))
local granted, queued = tonumber(meta[1] or 0), tonumber(meta[2] or 0)
local paused, left = tonumber(meta[3] or 0), tonumber(meta[4] or 0)
local left_until, hold = tonumber(meta[5] or 0), tonumber(meta[6] or FIRST_HOLD)
local last, kept = tonumber(meta[7] or 0), tonumber(meta[8] or 0)
local line_until = tonumber(meta[13] or 0)
local credit = {0, tonumber(meta[9] or 0), tonumber(meta[10] or 0)}

local function text(number) return string.format('%.0f', number) end

-- Keys never live shorter than was said before.
local function keep(key, ends)
  if call('PTTL', key) < (ends - now) / 1000 then call('PEXPIREAT', key, ceil(ends / 1000)) end
end

-- The clock was set back: move all times, so that intervals stay the same.
if now < last then
  for i = 2, #KEYS - 1 do
    local rows = call('ZRANGE', KEYS[i], 0, -1, 'WITHSCORES')
    for j = 1, #rows, 2 do call('ZADD', KEYS[i], rows[j + 1] + now - last, rows[j]) end
  end
  paused, left_until = paused + now - last, left_until + now - last
  call('HSET', KEYS[1], 'paused', paused, 'left_until', left_until, 'learned', 0, 'last', now)
end

-- One limit with its window: the first is the credential's, the second that of a scope.
local function window(i)
  local first, values = i > 1 and 10 or 0, i > 1 and 15 or 11
  local w = {starts = KEYS[3 * i - 1], leases = KEYS[3 * i]}
  w.allowed, w.interval = tonumber(ARGV[first + 1]), tonumber(ARGV[first + 2])
  w.at_once = tonumber(ARGV[first + 3])
  w.block = max(1, floor(w.allowed / BLOCKS))
  w.most = floor(w.allowed / w.block)
  w.filled, w.free = w.block, 0
  if w.block > 1 or granted % TIDY == 0 then
    call('ZREMRANGEBYSCORE', w.starts, '-inf', now - w.interval)
    kept = 0
  end
  local was = tonumber(meta[values] or 1)
  if was ~= w.block then -- The limit has another block size now: round to later times.
    local rows = call('ZRANGE', w.starts, 0, -1, 'WITHSCORES')
    call('DEL', w.starts)
    local step, copies = max(1, floor(w.block / was)), max(1, ceil(was / w.block))
    local made, suffix = 0, i > 1 and ':' .. scope or ''
    call('HSET', KEYS[1], 'block' .. suffix, w.block, 'filled' .. suffix, w.block)
    for j = #rows, 1, -2 * step do
      for copy = 1, copies do
        if made >= 2 * BLOCKS then break end
        call('ZADD', w.starts, rows[j], rows[j - 1] .. (copies > 1 and ':' .. copy or ''))
        made = made + 1
      end
    end
  elseif w.block > 1 and call('EXISTS', w.starts) == 1 then
    w.filled = tonumber(meta[values + 1] or w.block)
    w.free = w.block - w.filled
  end
  return w
end

-- The earliest time from now on at which so many permits may start.
local function opens(w, permits)
  local blocks = max(ceil((permits - w.free) / w.block), 0)
  local rounds = max(floor((blocks - 1) / w.most), 0)
  local index = w.most - (blocks - rounds * w.most)
  local found = call('ZREVRANGE', w.starts, index, index, 'WITHSCORES')
  local at = found[2] and max(now, found[2] + w.interval) or now
  return at + rounds * w.interval
end

-- How many permits may start at `at`.
local function room(w, at)
  local used = call('ZCOUNT', w.starts, '(' .. text(at - w.interval), '+inf') * w.block
  return w.most * w.block - max(used - w.free, 0)
end

local function add(w, at, permits)
  local taken = min(permits, w.free)
  if taken > 0 then
    call('ZADD', w.starts, 'GT', at, call('ZREVRANGE', w.starts, 0, 0)[1])
    w.filled = w.filled + taken
  end
  local rest, number = permits - taken, granted + 1
  if rest > 0 and w.block > 1 then
    at = max(at, call('ZREVRANGE', w.starts, 0, 0, 'WITHSCORES')[2] or 0)
  end
  while rest > 0 do
    call('ZADD', w.starts, at, number)
    w.filled = min(rest, w.block)
    rest, number = rest - w.block, number + 1
  end
end

local windows = {window(1)}
if scope ~= '' then windows[2] = window(2) end

-- After an empty start nothing is granted until what was granted before has ended and left a short
-- window. Longer windows start with what was recorded.
local quiet = 0
for i, w in ipairs(windows) do
  quiet = max(quiet, known_since + HORIZON + max(lease, within) + min(w.interval, LONGEST_QUIET))
  local recorded = tonumber(meta[i > 1 and 17 or 14] or -1)
  if w.interval > LONGEST_QUIET and now < known_since + w.interval and recorded < known_since then
    return 'unrecorded ' .. i .. ' ' .. text(now - known_since)
  end
end

-- The queue: how many tickets are before this request, how many behind.
local first, behind, known, number = {0, 0}, 0, false, queued + 1
local waiting, length = {false, false, false}, 0
local line = now < line_until and call('ZRANGE', KEYS[4], 0, -1, 'WITHSCORES') or {}
if line[1] then
  local others, count, mine = {}, {{0, 0, 0}, {0, 0, 0}}, {0, 0}
  for i = 1, #line, 2 do
    local id, at = line[i], tonumber(line[i + 1])
    if at <= now - ABANDONED then
      call('ZREM', KEYS[4], id)
    else
      local its_number, its_priority, its_scope = id:match('^(%d+)%.(%d)%.(.*)$')
      length = length + 1
      if id == ticket then
        known, number = true, tonumber(its_number)
      elseif at >= now - LATE then
        waiting[its_priority + 1] = true
        if its_scope == '' or its_scope == scope or at <= now + HORIZON then
          others[#others + 1] = {tonumber(its_number), its_priority + 1, its_scope}
        end
      end
    end
  end
  for _, other in ipairs(others) do
    if other[1] > number then behind = behind + 1 end
    for i = 1, #windows do
      if i == 1 or other[3] == scope then
        count[i][other[2]] = count[i][other[2]] + 1
        if other[2] == priority + 1 and other[1] < number then mine[i] = mine[i] + 1 end
      end
    end
  end
  for i = 1, #windows do
    first[i] = mine[i]
    for p = 1, priority do first[i] = first[i] + count[i][p] end
    if SHARES[priority + 1] > 0 then
      local earned = ceil((mine[i] + 1 - credit[priority + 1]) / SHARES[priority + 1]) - 1
      first[i] = min(first[i], max(mine[i], earned))
    end
    for p = priority + 2, 3 do first[i] = first[i] + min(count[i][p], max(floor(credit[p]), 0)) end
  end
end

-- When it may start, and how many places the concurrency limit has.
local at, places, at_once = max(now, paused, quiet), n, 0
for i, w in ipairs(windows) do
  at = max(at, opens(w, first[i] + 1))
  if granted % TIDY == 0 then call('ZREMRANGEBYSCORE', w.leases, '-inf', now) end
  w.out = call('ZCOUNT', w.leases, '(' .. text(now), '+inf')
  if w.at_once > 0 then
    places = min(places, w.at_once - w.out - first[i])
    at_once = max(at_once, w.at_once)
  end
end
if at < left_until and left <= first[1] then at = left_until end
if places <= 0 then
  at = max(at, now + LEAD + max(floor(hold * (1 - places) / at_once), SHORTEST_POLL))
end

if places <= 0 or at > now + min(wait, HORIZON) then
  if known then
    call('ZREM', KEYS[4], ticket)
    length = length - 1
  end
  local given = ''
  if wait > 0 and at <= now + FARTHEST_TICKET and length < LONGEST_LINE then
    given = known and ticket or text(number) .. '.' .. priority .. '.' .. scope
    call('ZADD', KEYS[4], at, given)
    keep(KEYS[4], now + FARTHEST_TICKET + MARGIN)
    call('HSET', KEYS[1], 'queued', max(queued, number), 'last', now,
         'line_until', max(line_until, at + ABANDONED))
    keep(KEYS[1], now + FARTHEST_TICKET + MARGIN)
  end
  return text(now) .. ' 0 ' .. text(at - now) .. ' ' .. (given ~= '' and given or '-')
    .. (now < quiet and ' quiet' or '')
end

local got = min(n, places)
if got > 1 then
  local most = room(windows[1], at) - first[1]
  if windows[2] then most = min(most, room(windows[2], at) - first[2]) end
  if at < left_until then most = min(most, left - first[1]) end
  got = min(got, max(1, floor(most / (1 + behind))))
end

local leases, changes = {}, {'granted', granted + got, 'last', now}
local function change(name, value)
  changes[#changes + 1], changes[#changes + 2] = name, value
end
local ends, tail, needed = at + lease, '.' .. text(at) .. '.' .. ARGV[8] .. '.' .. scope, 0
for i, w in ipairs(windows) do
  add(w, at + within, got)
  needed = max(needed, at + within + w.interval)
  if w.block > 1 then change('filled' .. (i > 1 and ':' .. scope or ''), w.filled) end
end
for i = 1, got do leases[i] = text(granted + i) .. tail end
if at_once > 0 or windows[1].out < MOST_UNCAPPED then
  for _, w in ipairs(windows) do
    for i = 1, got do call('ZADD', w.leases, ends, leases[i]) end
  end
end
if at < left_until then change('left', left - got) end
if known then call('ZREM', KEYS[4], ticket) end
for p = 2, 3 do
  local was = credit[p]
  if p == priority + 1 then -- Granted ahead of a more urgent ticket: that costs credit.
    local urgent = waiting[1] or (p == 3 and waiting[2])
    credit[p] = urgent and max(was - got * (1 - SHARES[p]), -MOST_CREDIT) or 0
  elseif waiting[p] then
    credit[p] = min(was + got * SHARES[p], MOST_CREDIT)
  else
    credit[p] = 0
  end
  if credit[p] ~= was then change('credit' .. p, credit[p]) end
end

-- Keys expire MARGIN after their last content. A set that was empty is a new key without expiry.
needed = max(needed, ends, paused, left_until)
local extend = needed > kept
if extend then
  kept = needed + MARGIN
  change('kept', kept)
end
call('HSET', KEYS[1], unpack(changes))
if extend then keep(KEYS[1], kept) end
for _, w in ipairs(windows) do
  if extend then keep(w.starts, kept) end
  if extend or w.out == 0 then keep(w.leases, kept) end
end
return text(now) .. ' ' .. text(at - now) .. ' 0 - ' .. table.concat(leases, ' ')
