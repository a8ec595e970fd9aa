// SPDX-License-Identifier: MIT
// server.js PORT SECONDS: the event loop of Node's net module.
const net = require('net');
const [port, seconds] = process.argv.slice(2).map(Number);

function serve(socket) {
    let count = 0;
    socket.setTimeout(1000 * seconds, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('data', data => {
        count += data.length;
        if (count >= 16)
            socket.end('Farewell, client');
    });
}

net.createServer(serve).listen({ host: '127.0.0.1', port, backlog: 4096 });
