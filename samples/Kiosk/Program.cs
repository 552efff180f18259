// A museum's box: the guide at http://localhost:8080/?kiosk=1, the operator's view at /ops. Settings of the command line: name=value.
using MixtralVk;
using MixtralVk.Server;

string file = Path.Combine(AppContext.BaseDirectory, "settings.json");
try
{
    await MixtralServer.RunAsync(ServerSettings.Read(file, args.Select(argument => argument.Split('=', 2))
        .Select(pair => KeyValuePair.Create<string, string?>(pair[0], pair.ElementAtOrDefault(1) ?? ""))));
    return 0;
}
catch (Exception e) when (e is MixtralException or IOException) // settings or a model that cannot be used, a port that is taken
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
