// SPDX-License-Identifier: MIT
// The nginx preread that waits for the whole message.
function wait_for_message(session) {
    session.on('upload', function (data) {
        if (data.length >= 16)
            session.done();
    });
}

export default { wait_for_message };
