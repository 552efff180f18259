using System.Reflection;
using System.Text.RegularExpressions;
using MixtralVk.Quantization;

namespace VendorReport;

/// <summary>
/// How the shaders walk a weight format, read from include/quant/&lt;format&gt;.glsl: columns of a unit (a pass of the main loop) and steps
/// in it.
/// </summary>
internal readonly partial record struct UnitConstants(int Cols, int Steps)
{
    private static readonly Dictionary<WeightFormat, UnitConstants> _read = [];

    public static UnitConstants Of(WeightFormat format)
    {
        if (_read.TryGetValue(format, out UnitConstants known)) return known;
        string name = $"{format.ToString().ToLowerInvariant()}.glsl";
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new FileNotFoundException($"There is no include/quant/{name}.");
        using var reader = new StreamReader(stream);
        var constants = Constant().Matches(reader.ReadToEnd()).ToDictionary(m => m.Groups[1].Value, m => int.Parse(m.Groups[2].ValueSpan));
        return _read[format] = new UnitConstants(constants["UnitCols"], constants["UnitSteps"]);
    }

    [GeneratedRegex(@"const uint (UnitCols|UnitSteps) = (\d+)u;")]
    private static partial Regex Constant();
}
