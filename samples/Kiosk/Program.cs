// A museum's box: the guide at http://localhost:8080/?kiosk=1, the operator's view at /ops. Settings of the command line: name=value.
using MixtralVk.Server;

string file = Path.Combine(AppContext.BaseDirectory, "settings.json");
ServerOptions options = ServerSettings.Read(file, args.Select(argument => argument.Split('=', 2)).Select(pair => KeyValuePair.Create(pair[0], pair.ElementAtOrDefault(1))));
await MixtralServer.RunAsync(options);
