using System.Globalization;

namespace MixtralVk.Cli;

/// <summary>Numbers for people.</summary>
internal static class Quantity
{
    /// <summary>A number with three digits: 0.0123, 4.38, 1520.</summary>
    public static string Number(double value) =>
        value.ToString(value >= 100 ? "0" : value >= 10 ? "0.0" : value >= 1 ? "0.00" : "0.0000", CultureInfo.InvariantCulture);

    /// <summary>A size with a binary unit and three digits: 4.38 MiB.</summary>
    public static string Bytes(long bytes)
    {
        ReadOnlySpan<string> units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
        double value = bytes;
        int unit = 0;
        for (; value >= 1000 && unit < units.Length - 1; unit++) value /= 1024;
        string digits = unit == 0 ? "0" : value < 10 ? "0.00" : value < 100 ? "0.0" : "0";
        return $"{value.ToString(digits, CultureInfo.InvariantCulture)} {units[unit]}";
    }
}
