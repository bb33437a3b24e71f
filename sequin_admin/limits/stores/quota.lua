-- Takes a block of an API key's requests of this minute, as DatabaseStore.take_block(). KEYS: the
-- count. ARGV: limit, most, shares. Returns, separated by spaces: the minute, how many requests,
-- how many remain for all processes, and in how many µs the minute ends.
local call, floor, max, min = redis.call, math.floor, math.max, math.min
local limit, most, shares = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = call('TIME')
local minute = floor(time[1] / 60)
local left = ((minute + 1) * 60 - time[1]) * 1000000 - time[2]
local kept = call('HMGET', KEYS[1], 'minute', 'used')
local used = tonumber(kept[1] or 0) == minute and tonumber(kept[2]) or 0
local rest = max(limit - used, 0)
local n = min(most, max(floor(rest / shares), 1), rest)
if n > 0 then
  call('HSET', KEYS[1], 'minute', minute, 'used', used + n)
  call('EXPIRE', KEYS[1], 120)
end
return string.format('%d %d %d %d', minute, n, rest - n, left)
