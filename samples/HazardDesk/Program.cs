// Sensor lines in, alerts out: `TOPIC VALUE [UNIT] [limit NUMBER]` per line on stdin, as an MQTT client prints them, one line of JSON each
// on stdout. The model chooses action and advice among those that fit the reading; an alert is written by the deadline in any case.
// Arguments: [MODEL [SECONDS]].
using System.Globalization;
using MixtralVk;
using MixtralVk.Gpu;
using MixtralVk.HazardDesk;

string file = args.ElementAtOrDefault(0) ?? Path.Combine(AppContext.BaseDirectory, "hearth-8x1m-q4_0.gguf");
if (!double.TryParse(args.ElementAtOrDefault(1) ?? "3", CultureInfo.InvariantCulture, out double seconds)
    || seconds is not (> 0 and < 3600))
{
    Console.Error.WriteLine("usage: HazardDesk [MODEL [SECONDS]], with the seconds in which an alert must be there");
    return 2;
}
try
{
    using MixtralModel model = await MixtralModel.LoadAsync(file);
    using var desk = new Desk(model, TimeSpan.FromSeconds(seconds));
    while (Console.In.ReadLine() is string line)
        if (line.Trim().Length > 0) Console.Out.WriteLine(desk.Alert(line.Trim()));
    return 0;
}
catch (Exception e) when (e is MixtralException or GpuException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
