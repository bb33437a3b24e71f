// Sends each connection to port 443 to the simulator: SIMULATOR_TLS=127.0.0.1:8443 node --require resolve.cjs
const net = require("node:net");
const [host, port] = process.env.SIMULATOR_TLS.split(":");
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (options, ...rest) {
  const wanted = Array.isArray(options) ? options[0] : options;
  const there = Number(wanted?.port) === 443 ? { ...wanted, host, port: Number(port) } : wanted;
  if (Array.isArray(options)) options[0] = there;
  return connect.call(this, Array.isArray(options) ? options : there, ...rest);
};
