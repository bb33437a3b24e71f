-- Current use: CredentialLimiter.gauge() in limiter_state.py. KEYS: meta, starts, leases, line.
-- ARGV: interval. Returns, separated by spaces: now, used, under way, waiting, paused for,
-- granted, throttled, resets in.
local call, max = redis.call, math.max
local time = call('TIME')
local now = time[1] * 1000000 + time[2]
local function text(number) return string.format('%.0f', number) end
local meta = call('HMGET', KEYS[1], 'paused', 'granted', 'throttled', 'block', 'filled', 'left_until')
local block = tonumber(meta[4] or 1)
local used = call('ZCOUNT', KEYS[2], '(' .. text(now - ARGV[1]), '+inf') * block
local resets = max(tonumber(meta[1] or 0), tonumber(meta[6] or 0)) - now
if resets <= 0 then
  local since = '(' .. text(now - ARGV[1])
  local oldest = call('ZRANGEBYSCORE', KEYS[2], since, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  resets = oldest[2] and oldest[2] + ARGV[1] - now or 0
end
return table.concat({
  text(now),
  text(max(used - (block - tonumber(meta[5] or block)), 0)),
  call('ZCOUNT', KEYS[3], '(' .. text(now), '+inf'),
  call('ZCOUNT', KEYS[4], '(' .. text(now - 2000000), '+inf'),
  text(max(tonumber(meta[1] or 0) - now, 0)),
  meta[2] or 0,
  meta[3] or 0,
  text(resets),
}, ' ')
