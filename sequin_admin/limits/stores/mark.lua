-- Marks a part of the store that has no marker: what it holds is known from now on. KEYS: the marker.
-- Without a marker it has started empty, or has been emptied.
local time = redis.call('TIME')
redis.call('SET', KEYS[1], string.format('%.0f', time[1] * 1000000 + time[2]), 'NX')
return 'marked'
