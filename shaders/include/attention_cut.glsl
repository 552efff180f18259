// What 256 keys, or merged runs of 256, contribute: the largest score, the sum of exp(score - most), and the same sum weighted with the
// values, of which a lane holds a pair of dimensions.
struct Cut { float most; float total; vec2 sum; };

const uint CutKeys = 256u;
const float Lowest = -3.402823466e38;
const Cut EmptyCut = Cut(Lowest, 0.0, vec2(0.0));

Cut merge(Cut a, Cut b)
{
    const float most = max(a.most, b.most);
    precise float weightA = exp(a.most - most), weightB = exp(b.most - most);
    precise float total = a.total * weightA + b.total * weightB;
    precise vec2 sum = a.sum * weightA + b.sum * weightB;
    return Cut(most, total, sum);
}

vec2 attention_output(Cut cut)
{
    precise vec2 result = cut.sum / cut.total;
    return result;
}
