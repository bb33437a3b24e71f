-- Releases a lease: CredentialLimiter.release() in limiter_state.py.
--
-- KEYS: meta, starts, leases, and with a scope its starts and leases.
-- ARGV: lease, its number, start and `within`; used (-1: unknown, -2: no call was made); pause
--       (-1: none); left (-1: unknown); resets.
-- Returns, separated by spaces: now, and 1 if the lease had not expired, else 0.
local FIRST_HOLD, MARGIN, SAMPLED = 20000, 60000000, 8
local call, max, min, floor = redis.call, math.max, math.min, math.floor
local time = call('TIME')
local now = time[1] * 1000000 + time[2]
local start, within, used = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local pause, left, resets = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])

local function set_end(name, ends)
  local kept = max(tonumber(call('HGET', KEYS[1], 'kept') or 0), ends + MARGIN)
  call('HSET', KEYS[1], name, ends, 'kept', kept)
  call('PEXPIREAT', KEYS[1], math.ceil(kept / 1000))
end

if pause >= 0 then
  call('HINCRBY', KEYS[1], 'throttled', 1)
  set_end('paused', max(tonumber(call('HGET', KEYS[1], 'paused') or 0), now + pause))
end

local ends = call('ZSCORE', KEYS[3], ARGV[1])
local live = ends and tonumber(ends) > now
if ends then
  call('ZREM', KEYS[3], ARGV[1])
  if KEYS[5] then call('ZREM', KEYS[5], ARGV[1]) end
end
-- Of the other leases only a sample updates the mean duration of calls, which costs less.
if live and (within > 0 or used ~= -1 or ARGV[2] % SAMPLED == 0 or ARGV[2] + 0 <= SAMPLED) then
  local spent = max(now - start, 0)
  local names = {'hold', 'block'}
  if KEYS[4] then names[3] = 'block:' .. ARGV[1]:match('[^.]*$') end
  local meta = call('HMGET', KEYS[1], unpack(names))
  local hold = tonumber(meta[1] or FIRST_HOLD)
  call('HSET', KEYS[1], 'hold', hold + floor((spent - hold) / 8))
  local counted = used == -1 and min(within, spent) or min(max(used, 0), spent)
  if used == -2 or counted ~= within then
    for i, starts in ipairs({KEYS[2], KEYS[4]}) do
      if tonumber(meta[1 + i] or 1) == 1 then -- blocks are not corrected
        if used == -2 then
          call('ZREM', starts, ARGV[2])
          call('HSET', KEYS[1], 'kept', 0) -- the key may be gone, and its expiry with it
        else
          call('ZADD', starts, 'XX', start + counted, ARGV[2])
        end
      end
    end
  end
end

if left >= 0 then
  left = max(left - call('ZCOUNT', KEYS[3], '(' .. string.format('%.0f', now), '+inf'), 0)
  local meta = call('HMGET', KEYS[1], 'left', 'left_until', 'learned')
  local started = min(start, now)
  if started < tonumber(meta[3] or 0) and now < tonumber(meta[2] or 0) then
    call('HSET', KEYS[1], 'left', min(left, tonumber(meta[1])))
  else
    call('HSET', KEYS[1], 'left', left, 'learned', started)
    set_end('left_until', now + resets)
  end
end
return string.format('%.0f', now) .. (live and ' 1' or ' 0')
