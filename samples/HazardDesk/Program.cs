// Sensor lines in, alerts out: `TOPIC VALUE [UNIT] [limit NUMBER]` per line on stdin, as an MQTT client prints them, one line of JSON each on stdout.
// The model chooses action and advice among those that fit the reading; an alert is written by the deadline in any case.
using MixtralVk;
using MixtralVk.HazardDesk;

string file = args.ElementAtOrDefault(0) ?? Path.Combine(AppContext.BaseDirectory, "hearth-8x1m-q4_0.gguf");
TimeSpan deadline = TimeSpan.FromSeconds(args.Length > 1 ? double.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) : 3);
using MixtralModel model = await MixtralModel.LoadAsync(file);
using var desk = new Desk(model, deadline);
while (Console.In.ReadLine() is string line)
    if (line.Trim().Length > 0) Console.Out.WriteLine(desk.Alert(line.Trim()));
