-- SPDX-License-Identifier: MIT
core.register_service('sixteen', 'tcp', function(applet)
    local message = applet:receive(16)
    if #message == 16 then
        applet:send('Farewell, client')
    end
end)
